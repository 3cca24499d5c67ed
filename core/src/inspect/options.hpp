// RequestOptions: the options of a request, taken one by one; what nobody takes is an error.
//
//   RequestOptions options(request);
//   const std::string sort = options.one_of("sort", {"busy", "name"}, "busy");
//   options.require_no_more();
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "inspect/request.hpp"

namespace simul::detail {

/// All throw RequestError.
class RequestOptions {
 public:
  explicit RequestOptions(const InspectRequest& request)
      : command_(request.command()), left_(request.options()) {}

  [[nodiscard]] bool has(const char* name) const { return left_.contains(name); }
  [[nodiscard]] std::string text(const char* name, std::string_view otherwise);
  [[nodiscard]] std::string one_of(const char* name, std::initializer_list<std::string_view> all,
                                   std::string_view otherwise);
  [[nodiscard]] bool truth(const char* name, bool otherwise);
  /// From 0 to `most`.
  [[nodiscard]] std::uint64_t count(const char* name, std::uint64_t most, std::uint64_t otherwise);
  /// Of something that has to be there.
  [[nodiscard]] bool required_truth(const char* name);
  void require_no_more() const;

 private:
  template <typename Value>
  [[nodiscard]] Value take(const char* name, const char* kind, Value otherwise);

  const std::string& command_;
  std::map<std::string, InspectRequest::Value> left_;
};

}  // namespace simul::detail
