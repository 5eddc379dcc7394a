#include "kernels/measure.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <vector>

#include "kernels/huge_memory.h"
#include "kernels/isa.h"
#include "kernels/packed_pack.h"

namespace shenbi::kernels {
namespace {

constexpr size_t kWorkingSet = size_t{192} << 20;  // beyond the last-level cache of desktop machines
constexpr size_t kColumns = 2048;
constexpr int kTurns = 25;

double now() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

// Every lane reads its part of a buffer that it touched first.
class Stream {
 public:
  explicit Stream(ThreadTeam& team) : memory_(allocate_huge(kWorkingSet)) {
    team.run([&](Lane& lane) {
      const auto [begin, end] = part(lane);
      std::fill(memory_.get() + begin, memory_.get() + end, uint8_t{1});
    });
  }
  void read(Lane& lane) const noexcept {
    const auto [begin, end] = part(lane);
    sink_ = packed_kernels(chosen_isa()).read(memory_.get() + begin, end - begin);
  }

 private:
  static std::pair<size_t, size_t> part(const Lane& lane) noexcept { return lane.share(kWorkingSet, 4096); }
  std::shared_ptr<uint8_t> memory_;
  static inline thread_local volatile uint64_t sink_ = 0;
};

// Seconds from all lanes ready to all lanes done.
template <class Work>
double timed(Lane& lane, const Work& work) noexcept {
  lane.barrier();
  const double begin = now();
  work();
  lane.barrier();
  return now() - begin;
}

// The shortest of several times; lane 0 keeps it.
struct Best {
  double seconds = std::numeric_limits<double>::infinity();
  void take(const Lane& lane, double turn) noexcept {
    if (lane.index() == 0) seconds = std::min(seconds, turn);
  }
};

// Any matrix of that type: the kernels take the same time for all values.
struct Product {
  PackedMatrix matrix;
  Activations x;
  std::vector<float> out;
  size_t tokens;

  Product(const QuantType& type, size_t rows, size_t columns, size_t max_tokens, Precision precision, ThreadTeam& team)
      : out(rows * max_tokens), tokens(max_tokens) {
    const std::vector<std::byte> blocks(rows * type.row_bytes(columns));
    matrix = PackedMatrix::pack(type, blocks.data(), rows, columns, precision, team);
    x.reserve(max_tokens, columns);
  }
  void prepare(Lane& lane, const std::vector<float>& values, size_t count) noexcept {
    x.quantize(lane, values.data(), count, matrix.columns(), matrix.columns(), matrix.form());
    lane.barrier();
  }
  void run(Lane& lane) noexcept { matrix.multiply(lane, x.last(), out.data(), matrix.rows()); }
};

size_t rows_of_working_set(const QuantType& type) {
  const size_t panel = packed_panel_bytes(packed_layout_of(type), kColumns);
  return std::max<size_t>(1, kWorkingSet / panel) * kPanelRows;
}

}  // namespace

double read_stream_gbps(ThreadTeam& team) {
  const Stream stream(team);
  Best best;
  team.run([&](Lane& lane) {
    for (int turn = 0; turn < kTurns; ++turn) best.take(lane, timed(lane, [&] { stream.read(lane); }));
  });
  return static_cast<double>(kWorkingSet) / best.seconds * 1e-9;
}

double int8_peak_tops(ThreadTeam& team) {
  constexpr size_t kRounds = 200000;
  Best best;
  std::atomic<uint64_t> operations{0};
  team.run([&](Lane& lane) {
    for (int turn = 0; turn < kTurns; ++turn) {
      best.take(lane, timed(lane, [&] { operations = packed_kernels(chosen_isa()).dots(kRounds); }));
    }
  });
  return static_cast<double>(operations) * team.count() / best.seconds * 1e-12;
}

GemvSpeed measure_gemv(const QuantType& type, Precision precision, ThreadTeam& team) {
  const Stream stream(team);
  Product product(type, rows_of_working_set(type), kColumns, 1, precision, team);
  const std::vector<float> values(kColumns, 1.0f);
  Best read, multiply;
  team.run([&](Lane& lane) {
    product.prepare(lane, values, 1);
    for (int turn = 0; turn < kTurns; ++turn) {
      read.take(lane, timed(lane, [&] { stream.read(lane); }));
      multiply.take(lane, timed(lane, [&] { product.run(lane); }));
    }
  });
  return {static_cast<double>(product.matrix.bytes()) / multiply.seconds * 1e-9,
          static_cast<double>(kWorkingSet) / read.seconds * 1e-9};
}

double measure_product(const QuantType& type, size_t rows, size_t columns, size_t tokens, ThreadTeam& team) {
  Product product(type, rows, columns, tokens, Precision::kInt8, team);
  const Stream stream(team);
  const std::vector<float> values(tokens * columns, 1.0f);
  Best best;
  team.run([&](Lane& lane) {
    product.prepare(lane, values, tokens);
    for (int turn = 0; turn < kTurns; ++turn) {
      stream.read(lane);  // empties the caches
      best.take(lane, timed(lane, [&] { product.run(lane); }));
    }
  });
  return best.seconds;
}

double measure_batch_ratio(const QuantType& type, size_t tokens, ThreadTeam& team) {
  const size_t rows = rows_of_working_set(type) / 4 / kPanelRows * kPanelRows;
  Product one(type, rows, kColumns, 1, Precision::kInt8, team);
  Product many(type, rows, kColumns, tokens, Precision::kInt8, team);
  const std::vector<float> values(tokens * kColumns, 1.0f);
  Best single, batch;
  team.run([&](Lane& lane) {
    one.prepare(lane, values, 1);
    many.prepare(lane, values, tokens);
    for (int turn = 0; turn < kTurns; ++turn) {
      single.take(lane, timed(lane, [&] { one.run(lane); }));
      batch.take(lane, timed(lane, [&] { many.run(lane); }));
    }
  });
  return batch.seconds / single.seconds;
}

}  // namespace shenbi::kernels
