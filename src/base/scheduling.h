#pragma once
// What a thread tells the kernel's scheduler about itself.

namespace shenbi {

/// The calling thread works for microseconds and then waits for the next event, and somebody waits for what it does: it
/// asks for short time slices. A thread with a shorter slice than the one that runs gets the processor when it wakes;
/// with an equal one it waits until that has had its slice, 2 to 4 ms behind a model that computes on all of them. Its
/// share of the processor stays the same. Linux 6.12 or newer; elsewhere nothing happens.
void wake_promptly() noexcept;

}  // namespace shenbi
