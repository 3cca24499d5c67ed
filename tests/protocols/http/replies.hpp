// What a server has answered, taken apart by a reader that shares no code with the server.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace simul::testing {

struct Reply {
  int status = 0;
  std::string head;  // with its last empty line
  std::string body;

  [[nodiscard]] bool says(std::string_view line) const {
    return head.contains("\r\n" + std::string(line) + "\r\n");
  }
  /// The value of a field; empty if there is none.
  [[nodiscard]] std::string field(std::string_view name) const {
    const std::string start = "\r\n" + std::string(name) + ": ";
    const std::size_t at = head.find(start);
    if (at == std::string::npos) {
      return {};
    }
    const std::size_t begin = at + start.size();
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

/// Throws if `bytes` isn't a whole number of replies. `heads_only`: they answer HEAD.
inline std::vector<Reply> parse_replies(std::string_view bytes, bool heads_only = false) {
  std::vector<Reply> replies;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (!bytes.starts_with("HTTP/1.1 ") || end == std::string_view::npos) {
      throw std::runtime_error("not a reply: " + std::string(bytes.substr(0, 200)));
    }
    Reply& reply = replies.emplace_back();
    reply.status = std::stoi(std::string(bytes.substr(9, 3)));
    reply.head = bytes.substr(0, end + 4);
    bytes.remove_prefix(end + 4);
    const std::string length = reply.field("Content-Length");
    const bool has_body = !heads_only && reply.status >= 200;
    const std::size_t size = has_body && !length.empty() ? std::stoul(length) : 0;
    if (size > bytes.size()) {
      throw std::runtime_error("the body is cut off");
    }
    reply.body = bytes.substr(0, size);
    bytes.remove_prefix(size);
  }
  return replies;
}

}  // namespace simul::testing
