#include <simul/load/target.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include <simul/quote.hpp>

namespace simul::load {
namespace {

using Result = std::expected<Target, std::string>;

constexpr std::string_view kForms =
    "a target is tcp://host:port or tls://host:port (echo), http://host:port/path or "
    "https://host:port/path, or unix:/path (echo)";

std::unexpected<std::string> wrong(std::string_view url, std::string_view why) {
  return std::unexpected(quote(url) + ": " + std::string(why));
}

std::expected<Endpoint, std::string> look_up(const std::string& name, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(name.c_str(), port.c_str(), &hints, &found); error != 0) {
    return std::unexpected("the host " + quote(name) + " can't be found: " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  sockaddr_storage address{};
  std::memcpy(&address, found->ai_addr, found->ai_addrlen);
  return Endpoint::from_sockaddr(address, found->ai_addrlen);
}

bool looks_like_name(std::string_view host) {
  return !host.empty() && host.front() != '[' && host != "*" &&
         host.find_first_not_of("0123456789.") != std::string_view::npos &&
         host.find_first_of(":/@ ") == std::string_view::npos;
}

struct Authority {
  std::string host;  // with the brackets of an IPv6 address
  std::string port;
};

/// `host:port`, where the port may be left out.
Authority split(std::string_view authority, std::string_view default_port) {
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return {.host = std::string(authority.substr(0, has_port ? colon : authority.size())),
          .port = std::string(has_port ? authority.substr(colon + 1) : default_port)};
}

std::expected<Endpoint, std::string> endpoint_of(const Authority& authority) {
  const auto& [host, port] = authority;
  if (host.empty()) {
    return std::unexpected("there is no host; " + std::string(kForms));
  }
  if (port.empty()) {
    return std::unexpected("there is no port; " + std::string(kForms));
  }
  const bool name = looks_like_name(host) && host != "localhost";
  auto endpoint =
      Endpoint::parse((name ? "127.0.0.1" : host) + ':' + port);  // checks the port, too
  if (endpoint && endpoint->port() == 0) {
    return std::unexpected("port 0 can't be connected to");
  }
  return endpoint && name ? look_up(host, port) : std::move(endpoint);
}

/// What a certificate has to be for.
std::string server_name_of(const Authority& authority) {
  const std::string& host = authority.host;
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

Result parse_echo(std::string_view url, std::string_view rest, bool tls) {
  if (rest.ends_with('/')) {
    rest.remove_suffix(1);
  }
  const Authority authority = split(rest, {});
  auto endpoint = endpoint_of(authority);
  if (!endpoint) {
    return wrong(url, endpoint.error());
  }
  return Target{.url = std::string(url),
                .kind = WorkKind::echo,
                .endpoint = *std::move(endpoint),
                .server_name = tls ? server_name_of(authority) : ""};
}

Result parse_http(std::string_view url, std::string_view rest, bool tls) {
  const std::size_t end = rest.find_first_of("/?#");
  const std::string_view host = rest.substr(0, end);
  std::string path(end == std::string_view::npos ? "/" : rest.substr(end));
  path.erase(std::min(path.find('#'), path.size()));  // a fragment is the client's own business
  if (!path.starts_with('/')) {
    path.insert(path.begin(), '/');
  }
  if (host.contains('@')) {
    return wrong(url, "user names in URLs are not supported");
  }
  for (const char c : path) {
    if (c <= ' ' || c > '~') {
      return wrong(url, "the path has to be percent-encoded");
    }
  }
  const Authority authority = split(host, tls ? "443" : "80");
  auto endpoint = endpoint_of(authority);
  if (!endpoint) {
    return wrong(url, endpoint.error());
  }
  return Target{.url = std::string(url),
                .kind = WorkKind::http,
                .endpoint = *std::move(endpoint),
                .host = std::string(host),
                .path = std::move(path),
                .server_name = tls ? server_name_of(authority) : ""};
}

}  // namespace

std::string_view name_of(WorkKind kind) noexcept {
  return kind == WorkKind::echo ? "echo" : "http";
}

Result Target::parse(std::string_view url) {
  if (url.starts_with("unix:")) {
    auto endpoint = Endpoint::parse(url);
    if (!endpoint) {
      return wrong(url, endpoint.error());
    }
    return Target{.url = std::string(url), .endpoint = *std::move(endpoint)};
  }
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) {
    return wrong(url, "there is no scheme; " + std::string(kForms));
  }
  const std::string_view scheme = url.substr(0, colon);
  const std::string_view rest = url.substr(colon + 3);
  if (scheme == "tcp" || scheme == "tls") {
    return parse_echo(url, rest, scheme == "tls");
  }
  if (scheme == "http" || scheme == "https") {
    return parse_http(url, rest, scheme == "https");
  }
  return wrong(url, "the scheme " + quote(scheme) + " is not known; " + std::string(kForms));
}

}  // namespace simul::load
