#pragma once
// Whether the calling thread computes: every microsecond it spends elsewhere is one in which no answer grows, and the
// caches that the model has filled make system calls several times dearer for it. What can be left to another thread is
// left to one.

namespace shenbi {

inline thread_local bool this_thread_computes = false;

}  // namespace shenbi
