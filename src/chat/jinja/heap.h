#pragma once
// What one rendering may spend: steps, memory, depth. Templates are programs of strangers, so every loop turn, every
// copied byte and every object is charged here, and the charge comes before the work.
//
// Objects that can refer to each other (lists, dicts, macros, ...) live until the end of the rendering, in one chain
// that is freed front to back: no cycle leaks, and no depth of nesting can exhaust the stack in destructors. Strings
// refer to nothing, so they are counted and freed at once; a template that builds its prompt by repeated
// concatenation stays small.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/error.h"

namespace shenbi::chat::jinja {

/// A run-time failure inside a template, before the interpreter has added the place.
struct Failure {
  Code code = Code::kInvalidArgument;
  std::string message;
  bool is_limit = false;
};

[[noreturn]] void fail(std::string message);
[[noreturn]] void fail_unsupported(std::string message);

enum class Kind : uint8_t {
  kMissing,  ///< a variable's slot before its first assignment, an argument that was not given; templates never see it
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  // Objects of the heap from here on.
  kList,
  kTuple,
  kDict,
  kRange,
  kView,
  kIterator,
  kNamespace,
  kMacro,
  kFunction,
  kLoop,
  kCycler,
  kJoiner,
};

class Heap;

struct Object {
  explicit Object(Kind which) : kind(which) {}
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  const Kind kind;
  Object* next_in_heap = nullptr;
};

/// A counted string. `is_markup` marks text that was escaped (the `safe` and `escape` filters), as markupsafe does.
struct StringBody {
  uint32_t references = 1;
  bool is_markup = false;
  int64_t characters = -1;  ///< code points; -1 until somebody asks
  Heap* heap = nullptr;
  std::string text;
};

class Heap {
 public:
  Heap() = default;
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// Charges `count` steps. A step is about ten nanoseconds of work.
  void step(uint64_t count = 1) {
    steps_ += count;
    if (steps_ > step_limit_) [[unlikely]]
      fail_steps();
  }
  /// Charges for walking or copying `bytes`.
  void work(uint64_t bytes) { step(bytes / 32); }

  void grow(uint64_t bytes);
  void shrink(uint64_t bytes) noexcept { bytes_ -= bytes; }

  /// Fails unless a string (or the output) may have `bytes`; ask before it is built.
  void check_text(uint64_t bytes) const;

  StringBody* new_string(std::string text, bool is_markup);
  static void free_string(StringBody* body) noexcept;

  template <class T, class... Args>
  T* make(Args&&... args) {
    grow(sizeof(T) + 16);  // 16: the allocator's header
    T* object = new T(std::forward<Args>(args)...);
    object->next_in_heap = objects_;
    objects_ = object;
    return object;
  }

  void enter();
  void leave() noexcept { --depth_; }
  uint64_t steps() const noexcept { return steps_; }

 private:
  [[noreturn]] void fail_steps() const;

  uint64_t steps_ = 0;
  uint64_t step_limit_ = kStepLimit;
  uint64_t bytes_ = 0;
  uint64_t depth_ = 0;
  Object* objects_ = nullptr;

  static const uint64_t kStepLimit;
};

/// One level of nested evaluation, printing or comparing.
class DepthGuard {
 public:
  explicit DepthGuard(Heap& heap) : heap_(heap) { heap_.enter(); }
  ~DepthGuard() { heap_.leave(); }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  Heap& heap_;
};

}  // namespace shenbi::chat::jinja
