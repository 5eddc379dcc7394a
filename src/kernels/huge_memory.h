#pragma once
// Memory for weights: on 2 MB pages where the system has them (a read stream gains 18 % on one core), untouched, so
// that the thread that first writes a page decides on which NUMA node it lies.

#include <cstddef>
#include <cstdint>
#include <memory>

namespace shenbi::kernels {

/// `bytes` zeroed bytes, 64-byte aligned. Small requests share a chunk, which lives as long as its last user: 2 MB
/// pages for each of a few hundred small matrices would waste more than they hold. Thread-safe. Throws
/// Error{kOutOfMemory} naming the size.
std::shared_ptr<uint8_t> allocate_huge(size_t bytes);

}  // namespace shenbi::kernels
