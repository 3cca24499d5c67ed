// ExceptionGroup: several failures at once, as a task group throws them when more than one of its
// tasks failed. A single failure is thrown as itself.
#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <simul/export.hpp>

namespace simul {

class SIMUL_EXPORT ExceptionGroup : public std::exception {
 public:
  explicit ExceptionGroup(std::vector<std::exception_ptr> exceptions);
  ~ExceptionGroup() override;
  /// "3 failures: cannot open; timed out; ..."
  [[nodiscard]] const char* what() const noexcept override { return what_.c_str(); }
  /// In the order in which they happened; at least two.
  [[nodiscard]] const std::vector<std::exception_ptr>& exceptions() const noexcept {
    return exceptions_;
  }

 private:
  std::vector<std::exception_ptr> exceptions_;
  std::string what_;
};

/// Throws the only one as itself, several as an ExceptionGroup; does nothing if there are none.
SIMUL_EXPORT void rethrow_all(std::vector<std::exception_ptr> exceptions);

/// what() of an exception, "cancelled: ..." of a Cancelled, "unknown exception" of anything else.
[[nodiscard]] SIMUL_EXPORT std::string describe(const std::exception_ptr& exception) noexcept;

}  // namespace simul
