// shenbi serve: the models behind the APIs people use, and the page.

#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/folders.h"
#include "cli/command.h"
#include "cli/database_option.h"
#include "cli/session.h"
#include "server/server.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  server::ServeOptions serve;
  std::string precision = "int8";
  double memory_gb = 0, answer_cache_mb = 0;
  int64_t answer_cache_minutes = 60;
  uint32_t idle_minutes = 0;
  uint32_t port = 11188;
  double patience_s = 30;
  std::vector<std::string> aliases;
  std::string otlp_endpoint;
  DatabaseOption database;
  SpeculationOption speculation;
};

// "gpt-4o=gemma3:270m": the name clients send, and the model that answers.
void add_alias(std::string_view text, engine::ServiceOptions& options) {
  const size_t equals = text.find('=');
  const std::string name(text.substr(0, equals)), model(equals == text.npos ? "" : text.substr(equals + 1));
  if (name.empty() || model.empty()) {
    throw Error(Code::kInvalidArgument, fmt::format("--alias '{}': expected NAME=MODEL", text));
  }
  engine::resolve_model(model);
  if (!options.aliases.emplace(name, model).second) {
    throw Error(Code::kInvalidArgument, fmt::format("--alias: '{}' is given twice", name));
  }
}

// Waits for the signal that ends a server. They are blocked in every thread, so that only this wait sees them.
int wait_for_end(const sigset_t& signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  return signal;
}

int execute(Options& options) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a bound on the size of files is an error of one write, not the end of the program

  server::ServeOptions& serve = options.serve;
  serve.port = static_cast<uint16_t>(options.port);
  serve.data = data_folder();
  serve.database = options.database.place();
  serve.engine.precision = options.precision == "int16" ? kernels::Precision::kInt16 : kernels::Precision::kInt8;
  serve.engine.speculation = options.speculation.use();
  serve.engine.cache = formats::CacheFolder::of_user();
  serve.engine.memory_bytes = static_cast<uint64_t>(options.memory_gb * 1e9);
  serve.engine.idle_unload = std::chrono::minutes(options.idle_minutes);
  serve.answer_cache_bytes = static_cast<uint64_t>(options.answer_cache_mb * 1e6);
  serve.answer_cache_keep = std::chrono::minutes(options.answer_cache_minutes);
  serve.trace = trace::options_from_environment([](const char* name) -> const char* { return std::getenv(name); });
  if (!options.otlp_endpoint.empty()) serve.trace.endpoint = trace::traces_endpoint(options.otlp_endpoint);
  for (const std::string& model : serve.models) engine::resolve_model(model);  // named wrongly: better said now
  for (const std::string& alias : options.aliases) add_alias(alias, serve.engine);

  server::Server server(serve);
  server.start();
  std::printf("%s\n", server.address().c_str());
  std::fflush(stdout);
  wait_for_end(signals);
  std::fprintf(stderr, "stopping: running answers may end (%.0f s at most; once more to stop at once)\n",
               options.patience_s);
  // A second signal is not waited for any more: it kills.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  server.stop(std::chrono::milliseconds(static_cast<int64_t>(options.patience_s * 1000)));
  return 0;
}

}  // namespace

Command serve() {
  auto options = std::make_shared<Options>();
  return {
      .name = "serve",
      .summary = "Serve models to programs and people: OpenAI, Anthropic, Gemini and Ollama APIs, and a chat page",
      .group = "Use a model",
      .declare =
          [options](Arguments& args) {
            auto& s = options->serve;
            args.option("-m,--model", s.models,
                        "load this model at the start (name, .gguf file or folder); may be repeated");
            args.option("--alias", options->aliases,
                        "NAME=MODEL: answer requests for NAME with MODEL, for clients with a name built in; may be "
                        "repeated");
            args.option("--host", s.host, "address to listen on; any but loopback demands a key");
            args.option("-p,--port", options->port, "port; 0: any free one").range(0, 65535);
            options->database.declare(args);
            args.option("--api-key", s.keys, "a key that callers must send; may be repeated");
            args.option("--allow-origin", s.allowed_origins,
                        "a web page that may call this server, e.g. https://chat.example");
            args.option("--allow-host", s.allowed_hosts, "a name by which this server is called");
            args.option("--tls-certificate", s.certificate_file, "PEM file; with --tls-key the server speaks https");
            args.option("--tls-key", s.key_file, "PEM file of the certificate's key");
            args.option("-t,--threads", s.engine.threads, "threads that compute; 0: as many CPUs as this process gets")
                .range(0, 1024);
            args.option(
                "-c,--context", s.engine.context,
                fmt::format("longest conversation in tokens; 0: the model's own, at most {}", s.engine.context_cap));
            args.option("--memory", options->memory_gb, "GB for models and caches; 0: three quarters of what there is");
            args.option("--sequences", s.engine.max_sequences, "answers that one model writes at once").range(1, 1024);
            args.option("--queue", s.engine.max_waiting, "requests that may wait for one model").range(1, 1 << 20);
            args.option("--unload-after", options->idle_minutes,
                        "minutes without a request after which a model leaves memory; 0: never");
            args.option("--precision", options->precision, "activations in products with quantised weights")
                .choices({"int8", "int16"});
            args.flag("--whole-head", s.engine.whole_head,
                      "no second, coarse form of a large output head: the same answers, less memory, slower");
            options->speculation.declare(args);
            args.option(
                "--otlp-endpoint", options->otlp_endpoint,
                "OpenTelemetry collector for traces, e.g. http://127.0.0.1:4318; OTEL_* variables say the rest");
            args.option("--alert-webhook", s.alert_webhook,
                        "address that hears when a budget reaches a mark (a POST of JSON); see shenbi budgets");
            args.option("--answer-cache", options->answer_cache_mb,
                        "MB for answers that are given again to the same request of the same key; 0: none are");
            args.option("--answer-cache-for", options->answer_cache_minutes, "minutes that such an answer is kept")
                .range(1, 525600);
            args.option("--personal-data", s.personal_data,
                        "in what upstreams are asked that say nothing else: send it, mask it and put it back into the "
                        "answer, or block the request")
                .choices({"send", "mask", "block"});
            args.option("--patience", options->patience_s, "seconds that running answers get at the end");
            args.example(
                "  shenbi serve -m gemma3:270m\n"
                "  curl http://127.0.0.1:11188/v1/chat/completions -d "
                "'{\"model\":\"gemma3:270m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'");
          },
      .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
