#include <simul/http/router.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <simul/http/http_error.hpp>
#include <simul/quote.hpp>

#include "http/characters.hpp"
#include "http/percent.hpp"

namespace simul::http {
namespace {

struct Pattern {
  enum class Kind : std::uint8_t { literal, parameter, rest };
  struct Segment {
    Kind kind;
    std::string text;  // or the parameter's name
  };
  std::vector<Segment> segments;
};

[[noreturn]] void refuse(std::string_view pattern, const std::string& why) {
  throw std::invalid_argument("route " + quote(pattern) + ": " + why);
}

Pattern::Segment parse_segment(std::string_view pattern, std::string_view text, bool last) {
  if (!text.starts_with('{')) {
    if (text.find_first_of("{}") != std::string_view::npos) {
      refuse(pattern, "a parameter is a whole segment, such as {id}");
    }
    return {.kind = Pattern::Kind::literal, .text = std::string(text)};
  }
  if (!text.ends_with('}')) {
    refuse(pattern, "'{' without '}' in its segment");
  }
  std::string_view name = text.substr(1, text.size() - 2);
  const bool rest = name.ends_with("...");
  if (rest) {
    name.remove_suffix(3);
  }
  if (!std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '_'; }) ||
      name.empty()) {
    refuse(pattern, "the name of a parameter consists of letters, digits and '_'");
  }
  if (rest && !last) {
    refuse(pattern, "only the last segment can be {name...}");
  }
  return {.kind = rest ? Pattern::Kind::rest : Pattern::Kind::parameter, .text = std::string(name)};
}

Pattern parse_pattern(std::string_view pattern) {
  if (!pattern.starts_with('/')) {
    refuse(pattern, "a pattern begins with a slash");
  }
  Pattern parsed;
  std::string_view rest = pattern.substr(1);
  for (bool last = false; !last;) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    last = segment.size() == rest.size();
    parsed.segments.push_back(parse_segment(pattern, segment, last));
    const auto same_name = [&](const Pattern::Segment& other) {
      return other.kind != Pattern::Kind::literal && other.text == parsed.segments.back().text;
    };
    if (parsed.segments.back().kind != Pattern::Kind::literal &&
        std::ranges::count_if(parsed.segments, same_name) > 1) {
      refuse(pattern, "two parameters have the same name");
    }
    rest.remove_prefix(std::min(rest.size(), segment.size() + 1));
  }
  return parsed;
}

struct Route {
  Handler handler;
  std::vector<std::string> names;  // of the parameters, in their order
};

using Params = std::vector<std::pair<std::string, std::string>>;

// The rest of a path becomes the name of a file, sooner or later: one that leads out of a folder is none.
bool is_name(std::string_view segment) noexcept {
  return segment != "." && segment != ".." &&
         segment.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

}  // namespace

// A place in the tree of paths: what follows it, and what is there for whom it is the end.
struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> rest;
  std::map<std::string, Route, std::less<>> methods;

  Node& at(const Pattern::Segment& segment) {
    std::unique_ptr<Node>& next = segment.kind == Pattern::Kind::literal ? literals[segment.text]
                                  : segment.kind == Pattern::Kind::parameter ? parameter
                                                                             : rest;
    if (!next) {
      next = std::make_unique<Node>();
    }
    return *next;
  }

  /// The best node for the decoded segments that has any method; `values` are those of its parameters.
  [[nodiscard]] const Node* find(std::span<const std::string> segments,
                                 std::vector<std::string>& values) const {
    if (segments.empty()) {
      return methods.empty() ? nullptr : this;
    }
    if (const auto next = literals.find(segments.front()); next != literals.end()) {
      if (const Node* found = next->second->find(segments.subspan(1), values)) {
        return found;
      }
    }
    if (parameter && !segments.front().empty()) {
      values.push_back(segments.front());
      if (const Node* found = parameter->find(segments.subspan(1), values)) {
        return found;
      }
      values.pop_back();
    }
    if (rest && !(segments.size() == 1 && segments.front().empty()) &&
        std::ranges::all_of(segments, is_name)) {
      std::string all;
      for (const std::string& segment : segments) {
        all.append(all.empty() ? "" : "/").append(segment);
      }
      values.push_back(std::move(all));
      return rest.get();
    }
    return nullptr;
  }

  [[nodiscard]] const Route* route(std::string_view method) const {
    auto found = methods.find(method);
    if (found == methods.end() && method == "HEAD") {
      found = methods.find("GET");
    }
    return found == methods.end() ? nullptr : &found->second;
  }

  [[nodiscard]] std::string allow() const {
    std::string list;
    const auto add = [&list](std::string_view method) {
      list.append(list.empty() ? "" : ", ").append(method);
    };
    for (const auto& [method, route] : methods) {
      add(method);
      if (method == "GET" && !methods.contains("HEAD")) {
        add("HEAD");
      }
    }
    if (!methods.contains("OPTIONS")) {
      add("OPTIONS");
    }
    return list;
  }
};

struct Router::Impl {
  Node root;
  std::vector<Middleware> middleware;
  std::vector<Handler> chain;  // [i]: the middleware from i on, and the route behind it

  Coro<Response> dispatch(Request& request) const;
};

Router::Router() : impl_(std::make_unique<Impl>()) {
  impl_->chain.emplace_back(
      [impl = impl_.get()](Request& request) { return impl->dispatch(request); });
}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

Router& Router::route(std::string_view method, std::string_view pattern, Handler handler) {
  if (!is_token(method)) {
    refuse(pattern, quote(method) + " is no method");
  }
  if (!handler) {
    refuse(pattern, "there is no handler");
  }
  const Pattern parsed = parse_pattern(pattern);
  Node* node = &impl_->root;
  Route route{.handler = std::move(handler), .names = {}};
  for (const Pattern::Segment& segment : parsed.segments) {
    node = &node->at(segment);
    if (segment.kind != Pattern::Kind::literal) {
      route.names.push_back(segment.text);
    }
  }
  if (!node->methods.try_emplace(std::string(method), std::move(route)).second) {
    refuse(pattern, "there is one already for " + std::string(method));
  }
  return *this;
}

Router& Router::get(std::string_view pattern, Handler handler) {
  return route("GET", pattern, std::move(handler));
}
Router& Router::post(std::string_view pattern, Handler handler) {
  return route("POST", pattern, std::move(handler));
}
Router& Router::put(std::string_view pattern, Handler handler) {
  return route("PUT", pattern, std::move(handler));
}
Router& Router::patch(std::string_view pattern, Handler handler) {
  return route("PATCH", pattern, std::move(handler));
}
Router& Router::del(std::string_view pattern, Handler handler) {
  return route("DELETE", pattern, std::move(handler));
}

Router& Router::use(Middleware middleware) {
  impl_->middleware.push_back(std::move(middleware));
  // Built once, so that a request walks through it without making functions.
  Impl* const impl = impl_.get();
  const std::size_t count = impl->middleware.size();
  impl->chain.assign(count + 1, {});
  impl->chain[count] = [impl](Request& request) { return impl->dispatch(request); };
  for (std::size_t i = count; i-- > 0;) {
    impl->chain[i] = [impl, i](Request& request) {
      return impl->middleware[i](request, impl->chain[i + 1]);
    };
  }
  return *this;
}

Coro<Response> Router::respond(Request& request) const { return impl_->chain.front()(request); }

Coro<Response> Router::Impl::dispatch(Request& request) const {
  if (request.path().empty()) {  // OPTIONS *
    co_return std::move(Response(204))
        .with("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
  }
  std::vector<std::string> segments;
  std::string_view rest = request.path().substr(1);
  for (bool last = false; !last;) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    last = segment.size() == rest.size();
    rest.remove_prefix(std::min(rest.size(), segment.size() + 1));
    if (!percent_decode(segment, segments.emplace_back())) {
      co_return Response::error(400, "the path has an escape that is none");
    }
  }
  std::vector<std::string> values;
  const Node* const node = root.find(segments, values);
  if (node == nullptr) {
    co_return Response::error(404);
  }
  const Route* const route = node->route(request.method());
  if (route == nullptr) {
    Response response = request.method() == "OPTIONS" ? Response(204) : Response::error(405);
    response.set("Allow", node->allow());
    co_return response;
  }
  Params& params = detail::RequestAccess::params(request);
  for (std::size_t i = 0; i < values.size(); ++i) {
    params.emplace_back(route->names[i], std::move(values[i]));
  }
  // Middleware is to see an answer where the handler has thrown one.
  std::optional<HttpError> thrown;
  try {
    co_return co_await route->handler(request);
  } catch (const HttpError& error) {
    thrown = error;
  }
  co_return Response::error(thrown->status(), thrown->what());
}

}  // namespace simul::http
