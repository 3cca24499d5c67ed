// The stack of a thread, as C++ knows it: collected in a signal handler if need be, put into words later.
//
//   NativeStack stack;
//   stack.collect();                                    // quick; async-signal-safe
//   for (const NativeFrame& frame : frames_of(stack.pcs())) log(level, frame.text());   // slow: reads debug information
//
// Not the chain of coroutines that a task consists of: that one is no stack, and stands in their promises.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace simul::detail {

/// Points into the instruction that runs, or into the call that hasn't returned.
using ProgramCounter = std::uintptr_t;

/// Innermost first; the outer end of a deep one is missing.
class NativeStack {
 public:
  static constexpr std::size_t kMost = 64;

  /// The calling thread's, without this function. In a signal handler: what the signal has interrupted.
  /// Async-signal-safe once it was called outside of a handler.
  void collect() noexcept;

  [[nodiscard]] std::span<const ProgramCounter> pcs() const noexcept {
    return {pcs_.data(), size_};
  }

 private:
  std::array<ProgramCounter, kMost> pcs_{};
  std::size_t size_ = 0;
};

/// A function that stands on the stack, be it inlined into the next one.
struct NativeFrame {
  std::string function;  ///< demangled; without symbols "libfoo.so+0x12ab", or just an address
  std::string file;      ///< the whole path; empty if there is no debug information
  int line = 0;

  /// "parse(Request&) at request.cpp:12"
  [[nodiscard]] std::string text() const;
};

/// Thread: any.
[[nodiscard]] std::vector<NativeFrame> frames_of(std::span<const ProgramCounter> pcs);

/// Without what always stands at the outer end of a step, the loop that resumes a task, and without the joints
/// between coroutines.
[[nodiscard]] std::vector<NativeFrame> without_loop(std::vector<NativeFrame> frames);

}  // namespace simul::detail
