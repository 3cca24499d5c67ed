// Site: what a listener has to offer, as its options say: by host, fixed texts and redirects by path, and folders of
// files.
//
//   Site site(options, {.index = "index.html"});    // throws if they don't work
//   std::optional<Response> response = site.respond_at_once(request);
//
// A whole path goes before the beginning of one (`/docs/*`, the longest first), that before files; in each of
// the three what is for the request's host goes before what is for all. It answers at once and without
// waiting. It knows nothing of connections.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <simul/coro.hpp>
#include <simul/option.hpp>

#include "http/application.hpp"
#include "http/error_pages.hpp"
#include "http/host_table.hpp"
#include "http/redirect.hpp"
#include "http/static_files.hpp"

namespace simul::http {

class Site final : public Application {
 public:
  /// Of the options it reads root, hosts, routes, redirects, error_pages and headers. Throws
  /// std::invalid_argument, naming option and value.
  Site(const OptionValues& options, const StaticFileOptions& files);

  std::optional<Response> respond_at_once(Request& request) override;
  Coro<Response> respond(Request& request) override;
  Response error(int status, std::string_view host) override;

 private:
  struct Text {
    std::string_view content_type;  // of a constant
    std::string text;
  };
  using Fixed = std::variant<Text, Redirect>;
  // `/docs/*`
  struct Beginning {
    std::string path;
    Redirect redirect;
  };
  // What there is at a host.
  struct Place {
    TextMap<Fixed> fixed;               // by path
    std::vector<Beginning> beginnings;  // the longest first
    std::shared_ptr<const StaticFiles> files;
  };
  struct Found {
    const Text* text = nullptr;          // or
    const Redirect* redirect = nullptr;  // or nothing
    std::string_view rest{};             // of the path
  };
  struct Header {
    std::string name;
    std::string line;
  };

  void add_files(const OptionValues& options, const StaticFileOptions& files);
  void add_routes(const OptionMap& routes);
  void add_redirects(const OptionMap& redirects);
  void add_headers(const OptionMap& headers);
  /// Throws for a redirect of the site that leads round in a circle.
  void check_circles(const OptionMap& redirects) const;
  Place& place_of(std::string_view host);

  template <typename Look>
  bool visit(std::string_view host, Look&& look) const;
  [[nodiscard]] Found find(std::string_view host, std::string_view path,
                           std::string_view encoded) const;
  [[nodiscard]] Response answer(const Request& request) const;
  [[nodiscard]] Response answer_from_files(const Request& request, std::string_view host,
                                           std::string_view path) const;
  /// With the error page and the fields that all answers have.
  [[nodiscard]] Response dressed(Response response) const;

  HostTable<Place> hosts_;
  Place everywhere_;
  bool has_folders_by_host_ = false;
  ErrorPages error_pages_;
  std::vector<Header> headers_;
  std::string header_lines_;
};

}  // namespace simul::http
