// A Request without a connection: for handlers, routers and sites by themselves.
//
//   FakeRequest fake("GET", "/users/7?verbose=1", "Accept: text/html\r\n");
//   Response response = run(router.respond(fake.request()));
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <simul/endpoint.hpp>
#include <simul/http/request.hpp>

namespace simul::http {

class FakeRequest : private detail::BodySource {
 public:
  FakeRequest(std::string_view method, std::string_view target, std::string_view fields = {},
              std::string_view body = {})
      : method_(method), target_(target), fields_(fields), body_(body) {
    const std::string_view text = target_;
    const std::size_t question = std::min(text.find('?'), text.size());
    head_.method = method_;
    head_.target = target_;
    head_.path = text == "*" ? std::string_view() : text.substr(0, question);
    head_.query = text.substr(std::min(question + 1, text.size()));
    head_.fields = HeaderFields(fields_);
    head_.host = head_.fields.find("host").value_or("example.org");
    head_.has_body = !body_.empty();
    if (!body_.empty()) {
      head_.content_length = body_.size();
    }
  }

  [[nodiscard]] RequestHead& head() noexcept { return head_; }
  [[nodiscard]] Request& request() noexcept { return request_; }

 private:
  Coro<std::string_view> next() override {
    given_ = std::exchange(body_, {});
    co_return given_;
  }

  std::string method_;
  std::string target_;
  std::string fields_;
  std::string body_;
  std::string given_;
  RequestHead head_;
  Endpoint peer_;
  Request request_{head_, *this, peer_, nullptr};
};

}  // namespace simul::http
