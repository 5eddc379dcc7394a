#include "base/error.h"
#include "nn/compose.h"
#include "ops/activation.h"
#include "ops/arithmetic.h"

namespace shenbi::nn {

Variable compose_activation(Activation activation, const Variable& x) {
  switch (activation) {
    case Activation::kSilu:
      return ops::silu(x);
    case Activation::kGeluErf:
      return ops::gelu_erf(x);
    case Activation::kGeluTanh:
      return ops::gelu_tanh(x);
    case Activation::kRelu:
      return ops::relu(x);
    case Activation::kReluSquared:
      return ops::relu_squared(x);
  }
  throw Error(Code::kInternal, "mlp: unknown activation");
}

Variable compose_mlp(const Scope& scope, const MlpSpec& spec, const Variable& x) {
  const Variable up = compose_linear(scope, "up", x);
  if (!spec.gated) return compose_linear(scope, "down", compose_activation(spec.activation, up));
  const Variable gate = compose_activation(spec.activation, compose_linear(scope, "gate", x));
  return compose_linear(scope, "down", ops::multiply(gate, up));
}

}  // namespace shenbi::nn
