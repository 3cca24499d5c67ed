// Site: what a listener has to offer: fixed texts by path, and below them a folder of files.
//
//   Site site(options.get_map("routes"), std::move(files));
//   Response response = site.respond(request);
//
// It answers at once and without waiting. It knows nothing of connections.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <simul/http/request_head.hpp>
#include <simul/option.hpp>

#include "http/application.hpp"
#include "http/static_files.hpp"

namespace simul::http {

class Site final : public Application {
 public:
  /// `files` may be null. Throws std::invalid_argument for a route that no request could ever have.
  Site(const OptionMap& routes, std::unique_ptr<StaticFiles> files);

  std::optional<Response> respond_at_once(Request& request) override;
  Coro<Response> respond(Request& request) override;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };

  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> routes_;
  std::unique_ptr<StaticFiles> files_;
};

}  // namespace simul::http
