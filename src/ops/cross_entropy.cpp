// loss = sum(log_sum_exp(x) - x[label]) / n, dx = (softmax(x) - one_hot(label)) / n. The probabilities are computed
// anew on the way back instead of being kept: they are as large as the logits.
#include "ops/cross_entropy.h"

#include <algorithm>

#include "ops/op.h"
#include "ops/softmax_row.h"

namespace shenbi::ops {

Variable cross_entropy(const Variable& logits, std::span<const int32_t> labels, double denominator) {
  require_floats("cross_entropy", {logits});
  const Tensor x = logits.value();
  require(x.shape().rank() == 2 && labels.size() == x.shape()[0], "cross_entropy: {} labels for logits {}",
          labels.size(), x.shape().text());
  const size_t rows = x.shape()[0], classes = x.shape()[1];
  size_t counted = 0;
  for (int32_t label : labels) {
    require(label == kIgnoredLabel || (label >= 0 && static_cast<size_t>(label) < classes),
            "cross_entropy: label {} is outside the {} classes", label, classes);
    counted += label != kIgnoredLabel;
  }
  if (denominator == 0) denominator = static_cast<double>(std::max<size_t>(counted, 1));

  Tape& tape = logits.tape();
  const std::vector<int32_t> kept(labels.begin(), labels.end());
  std::vector<double> losses(rows, 0.0);
  with_type(x.dtype(), [&]<class T>(T) {
    const T* from = x.values<T>().data();
    parallel(tape, rows, 20 * classes, [&](size_t begin, size_t end) {
      for (size_t t = begin; t < end; ++t) {
        if (kept[t] == kIgnoredLabel) continue;
        const T* row = from + t * classes;
        losses[t] = log_sum_exp(row, classes) - static_cast<double>(row[kept[t]]);
      }
    });
  });
  double total = 0;
  for (double loss : losses) total += loss;

  return tape.record("cross_entropy", Tensor::scalar(total / denominator, x.dtype()), {logits},
                     [=, &tape](const Tensor& g) {
                       Tensor dx = x.clone();
                       const double weight = g.item() / denominator;
                       with_type(x.dtype(), [&]<class T>(T) {
                         T* const to = dx.values<T>().data();
                         parallel(tape, rows, 20 * classes, [&](size_t begin, size_t end) {
                           for (size_t t = begin; t < end; ++t) {
                             T* row = to + t * classes;
                             if (kept[t] == kIgnoredLabel) {
                               std::fill(row, row + classes, T{0});
                               continue;
                             }
                             softmax_row(row, classes);
                             row[kept[t]] -= T{1};
                             for (size_t j = 0; j < classes; ++j) row[j] *= static_cast<T>(weight);
                           }
                         });
                       });
                       return std::vector<Tensor>{dx};
                     });
}

}  // namespace shenbi::ops
