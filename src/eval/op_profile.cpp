#include "eval/op_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "kernels/huge_memory.h"
#include "kernels/measure.h"
#include "models/decoder.h"

namespace shenbi::eval {
namespace {

using models::PassOp;

// What one phase did, op by op, in all its passes together, and the times of each pass.
struct Work {
  std::vector<models::PassProfile> passes;
  std::array<double, models::kPassOps> bytes = {}, operations = {};
};

struct Limits {
  double stream_gbps, int8_tops;
  static Limits now(ThreadTeam& team) { return {kernels::read_stream_gbps(team), kernels::int8_peak_tops(team)}; }
};

class Runner {
 public:
  Runner(const engine::Model& model, uint32_t positions, ThreadTeam& team)
      : decoder_(*model.decoder), team_(team), pages_(positions / models::kPagePositions + 1), ids_(positions) {
    std::iota(pages_.begin(), pages_.end(), 0u);
    memory_ = kernels::allocate_huge(pages_.size() * decoder_.kv_page_bytes());
    logits_.resize(decoder_.spec().vocab_size);
    const Philox random(1);
    for (size_t i = 0; i < ids_.size(); ++i)
      ids_[i] = static_cast<int32_t>((random.block(i)[0] * uint64_t{decoder_.spec().vocab_size}) >> 32);
  }

  // Tokens [begin, end) in one pass; what it must read and compute is added to `work`.
  void pass(uint32_t begin, uint32_t end, Work& work) {
    workspace_.record(&work.passes.emplace_back());
    const models::SequenceSlice slice{
        .tokens = std::span(ids_).subspan(begin, end - begin), .start = begin, .pages = pages_, .best_logits = 1};
    const models::KvPool pool{reinterpret_cast<std::byte*>(memory_.get()), decoder_.kv_page_bytes(),
                              static_cast<uint32_t>(pages_.size())};
    decoder_.forward(std::span(&slice, 1), pool, workspace_, team_, logits_.data());
    const models::OpCosts costs = decoder_.costs();
    for (size_t op = 0; op < models::kPassOps; ++op) {
      const bool head = op == index(PassOp::kHead);  // of the last token alone
      work.bytes[op] += static_cast<double>(costs[op].bytes);
      work.operations[op] += static_cast<double>(costs[op].operations) * (head ? 1 : end - begin);
    }
    add_attention(begin, end, work);
  }

 private:
  // Scores and mixing: two products over the positions that a token may see.
  void add_attention(uint32_t begin, uint32_t end, Work& work) const {
    constexpr double kBf16 = 2;
    const size_t op = index(PassOp::kAttention);
    for (const models::LayerSpec& layer : decoder_.spec().layers) {
      const auto& a = layer.attention;
      const double dims = a.head_dim + a.value_dim;
      for (uint32_t i = begin; i < end; ++i) {
        const double seen = a.window ? std::min(i + 1, a.window) : i + 1;
        work.operations[op] += 2 * dims * a.num_heads * seen;
        if (i + 1 == end) work.bytes[op] += kBf16 * dims * a.num_kv_heads * seen;
      }
    }
  }

  const models::Decoder& decoder_;
  ThreadTeam& team_;
  std::vector<uint32_t> pages_;
  std::vector<int32_t> ids_;
  std::shared_ptr<uint8_t> memory_;
  std::vector<float> logits_;
  models::Workspace workspace_;
};

// Of each op: its median pass, times the passes. Another program that takes a core for a moment counts for little then.
std::array<double, models::kPassOps> typical_seconds(const std::vector<models::PassProfile>& passes) {
  std::array<double, models::kPassOps> out = {};
  std::vector<double> times(passes.size());
  for (size_t op = 0; op < models::kPassOps; ++op) {
    for (size_t i = 0; i < passes.size(); ++i) times[i] = passes[i].seconds[op];
    std::sort(times.begin(), times.end());
    out[op] = times[times.size() / 2] * static_cast<double>(passes.size());
  }
  return out;
}

PhaseProfile summarise(const Work& work, double tokens, const Limits& before, const Limits& after, bool decode) {
  PhaseProfile phase;
  phase.stream_gbps = (before.stream_gbps + after.stream_gbps) / 2;
  phase.int8_tops = (before.int8_tops + after.int8_tops) / 2;
  const auto seconds = typical_seconds(work.passes);
  const double all = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  const auto of_limit = [&](double bytes, double operations, double time) {
    return decode ? bytes / time * 1e-9 / phase.stream_gbps : operations / time * 1e-12 / phase.int8_tops;
  };
  double bytes = 0, operations = 0;
  for (size_t op = 0; op < models::kPassOps; ++op) {
    if (seconds[op] <= 0) continue;
    bytes += work.bytes[op];
    operations += work.operations[op];
    phase.ops.push_back({.op = models::kPassOpNames[op],
                         .share = seconds[op] / all,
                         .gbps = work.bytes[op] / seconds[op] * 1e-9,
                         .tops = work.operations[op] / seconds[op] * 1e-12,
                         .of_limit = of_limit(work.bytes[op], work.operations[op], seconds[op])});
  }
  std::sort(phase.ops.begin(), phase.ops.end(), [](const OpSpeed& a, const OpSpeed& b) { return a.share > b.share; });
  phase.tokens_per_second = tokens / all;
  phase.of_limit = of_limit(bytes, operations, all);
  return phase;
}

}  // namespace

OpProfile profile_ops(const engine::Model& model, uint32_t prompt_tokens, uint32_t new_tokens, ThreadTeam& team) {
  const uint32_t context = model.decoder->spec().context_length;
  if (uint64_t{prompt_tokens} + new_tokens > context) {
    throw Error(Code::kInvalidArgument, fmt::format("{} tokens and {} new ones do not fit the context of {}",
                                                    prompt_tokens, new_tokens, context));
  }
  constexpr uint32_t kPrompts = 3;
  Runner runner(model, prompt_tokens + new_tokens, team);
  Work warming, prefill, decode;
  runner.pass(0, prompt_tokens, warming);  // first touch of buffers and pages
  const Limits before = Limits::now(team);
  for (uint32_t i = 0; i < kPrompts; ++i) runner.pass(0, prompt_tokens, prefill);
  const Limits between = Limits::now(team);
  for (uint32_t i = 0; i < new_tokens; ++i) runner.pass(prompt_tokens + i, prompt_tokens + i + 1, decode);
  const Limits after = Limits::now(team);
  return {.prefill = summarise(prefill, kPrompts * prompt_tokens, before, between, false),
          .decode = summarise(decode, new_tokens, between, after, true)};
}

}  // namespace shenbi::eval
