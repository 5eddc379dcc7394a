#pragma once
// For tests and benchmarks: choose an instruction set for a scope.

#include "kernels/isa.h"

namespace shenbi::kernels {

class IsaGuard {
 public:
  explicit IsaGuard(Isa isa) : before_(chosen_isa()) { force_isa(isa); }
  ~IsaGuard() { force_isa(before_); }
  IsaGuard(const IsaGuard&) = delete;
  IsaGuard& operator=(const IsaGuard&) = delete;

 private:
  Isa before_;
};

}  // namespace shenbi::kernels
