// shenbi doctor: what this machine gives, and how much of it the kernels reach.

#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "base/cpu.h"
#include "base/folders.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/progress_bar.h"
#include "cli/session.h"
#include "kernels/isa.h"
#include "kernels/measure.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  uint32_t threads = 0;
  bool json = false;
};

constexpr const char* kMeasuredTypes[] = {"Q8_0", "Q5_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K", "BF16"};

int execute(const Options& options) {
  const ThreadBudget budget = thread_budget();
  const auto team = make_team(options.threads, true);
  const double stream = kernels::read_stream_gbps(*team), tops = kernels::int8_peak_tops(*team);
  Json types = Json::object();
  for (const char* name : kMeasuredTypes) {
    const auto speed = kernels::measure_gemv(*kernels::find_quant_type(name), kernels::Precision::kInt8, *team);
    // 4096 x 2048 with 512 tokens: the shape of a middle-sized model's projection in a prompt.
    const double seconds = kernels::measure_product(*kernels::find_quant_type(name), 4096, 2048, 512, *team);
    types[name] = {{"decode_gbps", speed.gbps},
                   {"decode_share_of_stream", speed.of_stream()},
                   {"prefill_tops", 2.0 * 4096 * 2048 * 512 / seconds / 1e12}};
  }
  std::string isas;
  for (const auto isa : kernels::available_isas())
    isas += (isas.empty() ? "" : " ") + std::string(kernels::isa_name(isa));
  const Json report = {{"cpu", cpu_model_name()},
                       {"isa", kernels::isa_name(kernels::chosen_isa())},
                       {"isas", isas},
                       {"threads", team->count()},
                       {"threads_reason", budget.reason},
                       {"memory_bytes", memory_limit_bytes()},
                       {"bandwidth_gbps", stream},
                       {"int8_tops", tops},
                       {"types", types},
                       {"data_folder", data_folder().string()}};
  if (options.json) {
    std::cout << report.dump(2) << '\n';
    return 0;
  }
  std::cout << fmt::format("CPU           {}\n", cpu_model_name());
  std::cout << fmt::format("instructions  {} in use (this machine can run: {})\n",
                           kernels::isa_name(kernels::chosen_isa()), isas);
  std::cout << fmt::format("threads       {} ({})\n", team->count(), budget.reason);
  std::cout << fmt::format("memory        {} for this process\n", format_bytes(memory_limit_bytes()));
  std::cout << fmt::format("read stream   {:.1f} GB/s: a model of N GB decodes at most {:.1f}/N tokens a second\n",
                           stream, stream);
  std::cout << fmt::format("int8 peak     {:.2f} TOPS\n", tops);
  std::cout << "kernels       type    decode GB/s   of stream   prefill TOPS   of peak\n";
  for (const char* name : kMeasuredTypes) {
    const Json& t = types[name];
    std::cout << fmt::format("              {:<6}{:>13.1f}{:>11.0f} %{:>15.2f}{:>9.0f} %\n", name,
                             t["decode_gbps"].get<double>(), 100 * t["decode_share_of_stream"].get<double>(),
                             t["prefill_tops"].get<double>(), 100 * t["prefill_tops"].get<double>() / tops);
  }
  std::cout << fmt::format("models in     {}\n", data_folder().string());
  return 0;
}

}  // namespace

Command doctor() {
  auto options = std::make_shared<Options>();
  return {.name = "doctor",
          .summary = "Show what this machine gives and how much of it is reached",
          .group = "Measure",
          .declare =
              [options](Arguments& args) {
                args.option("-t,--threads", options->threads, "threads; 0: as many CPUs as this process really gets");
                args.flag("--json", options->json, "print JSON");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
