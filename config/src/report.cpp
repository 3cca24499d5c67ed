#include "report.hpp"

#include <utility>

namespace simul::config {
namespace {

constexpr std::size_t kMost = 100;

}  // namespace

void Report::add(std::size_t offset, std::string message, std::string allowed,
                 std::string suggestion) {
  if (full_ || !seen_.emplace(offset, message).second) return;
  if (found_.size() == kMost) {
    full_ = true;
    return;
  }
  Diagnostic diagnostic = source_.at(offset);
  diagnostic.message = std::move(message);
  diagnostic.allowed = std::move(allowed);
  diagnostic.suggestion = std::move(suggestion);
  found_.emplace(offset, std::move(diagnostic));
}

std::vector<Diagnostic> Report::take() {
  std::vector<Diagnostic> diagnostics;
  diagnostics.reserve(found_.size() + 1);
  for (auto& [offset, diagnostic] : found_)
    diagnostics.push_back(std::move(diagnostic));
  if (full_) {
    diagnostics.push_back({.file = source_.filename(),
                           .message = "there are more errors; these are the first found"});
  }
  found_.clear();
  return diagnostics;
}

}  // namespace simul::config
