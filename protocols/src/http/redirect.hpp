// Redirect: where another URL has to be asked for instead.
//
//   Redirect redirect = Redirect::parse("301 https://docs.example.org/*");
//   redirect.location("guide?page=2")    // "https://docs.example.org/guide?page=2"
//
// A `*` at the end of the target stands for the rest of what was asked for, with its query. Whatever that is, it
// can't lead to another host than the target says.
#pragma once

#include <string>
#include <string_view>

namespace simul::http {

class Redirect {
 public:
  static constexpr int kUsualStatus = 301;

  /// `[STATUS] TARGET`, or just a STATUS that says why there is nothing: `410`. Throws std::invalid_argument.
  static Redirect parse(std::string_view text);

  [[nodiscard]] int status() const noexcept { return status_; }
  /// Is there somewhere to go?
  [[nodiscard]] bool has_target() const noexcept { return !target_.empty(); }
  /// Does it lead to another path of the same host?
  [[nodiscard]] bool stays() const noexcept { return target_.starts_with('/'); }
  /// `rest`: a part of a request's target, as it was sent.
  [[nodiscard]] std::string location(std::string_view rest) const;

 private:
  int status_ = kUsualStatus;
  std::string target_;  // encoded, without the asterisk
  bool takes_rest_ = false;
};

}  // namespace simul::http
