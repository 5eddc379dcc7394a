#include "ops/round.h"

#include "base/float16.h"
#include "ops/op.h"

namespace shenbi::ops {

Variable round_bf16(const Variable& input) {
  require_floats("round_bf16", {input});
  const Tensor x = input.value();
  Tensor out = Tensor::uninitialized(x.shape(), x.dtype());
  with_type(x.dtype(), [&]<class T>(T) {
    const T* from = x.values<T>().data();
    T* to = out.values<T>().data();
    parallel(input.tape(), x.elements(), 4, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i)
        to[i] = static_cast<T>(bf16_to_f32(f32_to_bf16(static_cast<float>(from[i]))));
    });
  });
  return input.tape().record("round_bf16", out, {input}, [](const Tensor& g) { return std::vector<Tensor>{g}; });
}

}  // namespace shenbi::ops
