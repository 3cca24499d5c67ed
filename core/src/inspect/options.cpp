#include "inspect/options.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <simul/quote.hpp>

#include "inspect/command.hpp"

namespace simul::detail {

template <typename Value>
Value RequestOptions::take(const char* name, const char* kind, Value otherwise) {
  const auto option = left_.extract(name);
  if (option.empty()) {
    return otherwise;
  }
  if (Value* const value = std::get_if<Value>(&option.mapped())) {
    return std::move(*value);
  }
  throw RequestError('"' + std::string(name) + "\" has to be " + kind);
}

std::string RequestOptions::text(const char* name, std::string_view otherwise) {
  return take(name, "a string", std::string(otherwise));
}

std::string RequestOptions::one_of(const char* name, std::initializer_list<std::string_view> all,
                                   std::string_view otherwise) {
  std::string value = text(name, otherwise);
  if (std::ranges::find(all, value) == all.end()) {
    std::string allowed;
    for (const std::string_view one : all) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(one);
    }
    throw RequestError('"' + std::string(name) + "\": " + quote(value) + " is none of " + allowed);
  }
  return value;
}

bool RequestOptions::truth(const char* name, bool otherwise) {
  return take(name, "true or false", otherwise);
}

bool RequestOptions::required_truth(const char* name) {
  if (!left_.contains(name)) {
    throw RequestError(quote(command_) + " needs \"" + name + "\": true or false");
  }
  return truth(name, false);
}

std::uint64_t RequestOptions::count(const char* name, std::uint64_t most, std::uint64_t otherwise) {
  const double value = take(name, "a number", static_cast<double>(otherwise));
  if (value < 0 || value > static_cast<double>(most) || std::floor(value) != value) {
    throw RequestError('"' + std::string(name) + "\" has to be a whole number from 0 to " +
                       std::to_string(most));
  }
  return static_cast<std::uint64_t>(value);
}

void RequestOptions::require_no_more() const {
  if (!left_.empty()) {
    throw RequestError(quote(command_) + " has no option " + quote(left_.begin()->first));
  }
}

}  // namespace simul::detail
