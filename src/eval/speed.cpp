#include "eval/speed.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/random.h"
#include "engine/engine.h"
#include "kernels/measure.h"

namespace shenbi::eval {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::vector<int32_t> random_prompt(const engine::Model& model, size_t length, uint64_t seed) {
  const Philox random(seed);
  const auto vocab = static_cast<uint64_t>(model.decoder->spec().vocab_size);
  std::vector<int32_t> ids(length);
  for (size_t i = 0; i < length; ++i) ids[i] = static_cast<int32_t>((random.block(i)[0] * vocab) >> 32);
  return ids;
}

engine::Request request(std::vector<int32_t> prompt, uint32_t new_tokens) {
  engine::Request r;
  r.prompt = std::move(prompt);
  r.max_tokens = new_tokens;
  r.sampling.temperature = 0;
  r.ignore_end = true;
  return r;
}

double prefill_tps(engine::Engine& engine, uint32_t tokens, uint64_t seed) {
  engine.submit(request(random_prompt(engine.model(), tokens, seed), 1));
  const auto start = Clock::now();
  engine.run();
  return tokens / seconds_since(start);
}

// Prompts of 8 tokens are read first; timed are the steps in which every sequence decodes.
double decode_tps(engine::Engine& engine, uint32_t batch, uint32_t new_tokens, uint64_t seed) {
  for (uint32_t i = 0; i < batch; ++i)
    engine.submit(request(random_prompt(engine.model(), 8, seed + i), new_tokens + 1));
  engine.step();  // all prompts in one pass (8 x batch tokens), each with its first token
  const auto start = Clock::now();
  engine.run();
  return batch * new_tokens / seconds_since(start);
}

}  // namespace

Speed measure_speed(std::shared_ptr<const engine::Model> model, const SpeedOptions& options, ThreadTeam& team) {
  const uint32_t context = model->decoder->spec().context_length;
  const uint32_t needed = std::max(options.prompt_tokens + 1, options.new_tokens + 9);
  if (needed >= context) {
    throw Error(Code::kInvalidArgument,
                fmt::format("the bench needs {} positions, the context is {}", needed, context));
  }
  Speed speed;
  const uint32_t most = *std::max_element(options.batches.begin(), options.batches.end());
  engine::Engine engine(model, team,
                        {.max_sequences = most,
                         .step_tokens = std::max(options.prompt_tokens, 8 * most),
                         .speculation = options.speculation});
  uint64_t seed = 1;
  prefill_tps(engine, std::min(options.prompt_tokens, 32u), seed);  // first touch of buffers and pages

  std::vector<double> prefills, streams;
  for (uint32_t i = 0; i < options.repeats; ++i)
    prefills.push_back(prefill_tps(engine, options.prompt_tokens, seed += 1000));
  speed.prefill_tps = median(prefills);
  for (const uint32_t batch : options.batches) {
    std::vector<double> rates, shares;
    double stream = kernels::read_stream_gbps(team);
    const engine::EngineStats before = engine.stats();
    for (uint32_t i = 0; i < options.repeats; ++i) {
      rates.push_back(decode_tps(engine, batch, options.new_tokens, seed += 1000));
      const double after = kernels::read_stream_gbps(team);
      const double gbps = rates.back() / batch * static_cast<double>(model->decoder->bytes_per_token()) / 1e9;
      shares.push_back(gbps / ((stream + after) / 2));
      streams.push_back(stream = after);
    }
    const double tps = median(rates);
    const engine::EngineStats after = engine.stats();
    speed.decode[batch] = {.tps = tps,
                           .gbps = tps / batch * static_cast<double>(model->decoder->bytes_per_token()) / 1e9,
                           .drafted = after.drafted_tokens - before.drafted_tokens,
                           .accepted = after.accepted_tokens - before.accepted_tokens,
                           .of_stream = median(shares)};
  }
  speed.stream_gbps = median(streams);
  speed.int8_tops = kernels::int8_peak_tops(team);
  return speed;
}

}  // namespace shenbi::eval
