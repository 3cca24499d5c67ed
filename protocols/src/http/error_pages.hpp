// ErrorPages: how an answer that says what went wrong looks, by its status.
//
//   ErrorPages pages({{"404", "404.html"}, {"5xx", "50x.html"}, {"default", "error.html"}});
//   if (const ErrorPage* page = pages.find(404)) ...
//
// They are read once, and kept in memory.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <simul/option.hpp>

namespace simul::http {

struct ErrorPage {
  std::string_view content_type;  ///< by the extension of its name; of a constant
  std::string text;
};

class ErrorPages {
 public:
  /// Throws std::invalid_argument, naming the option, for one that can't be read or would never be shown.
  explicit ErrorPages(const OptionMap& paths);

  /// Null: there is none. Valid as long as this.
  [[nodiscard]] const ErrorPage* find(int status) const noexcept {
    return status >= 400 && status <= 599 ? by_status_[static_cast<std::size_t>(status - 400)]
                                          : nullptr;
  }

 private:
  std::vector<std::unique_ptr<const ErrorPage>> pages_;
  std::array<const ErrorPage*, 200> by_status_{};
};

}  // namespace simul::http
