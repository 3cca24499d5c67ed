// Application: what a conversation asks for answers: the site of the configuration, or a program's router.
//
//   if (auto response = application.respond_at_once(request)) ...
//   else response = co_await application.respond(request);
//
// It knows requests and responses, and nothing of connections.
#pragma once

#include <optional>

#include <simul/coro.hpp>
#include <simul/http/request.hpp>
#include <simul/http/response.hpp>

namespace simul::http {

class Application {
 public:
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;
  virtual ~Application() = default;

  /// An answer for which nothing has to be waited: spares a coroutine. Nothing: ask respond(). May throw, as
  /// respond(). Thread: any loop's.
  virtual std::optional<Response> respond_at_once(Request& request) = 0;
  /// What it throws is answered as the handler's (see http::Handler). The response may refer to the
  /// application and to the request.
  virtual Coro<Response> respond(Request& request) = 0;
  /// The answer to what is no request, or can't be served: a status and how it looks. `host` is what is known of
  /// the host that was asked for, perhaps nothing.
  virtual Response error(int status, std::string_view host) {
    static_cast<void>(host);
    return Response::error(status);
  }

 protected:
  Application() noexcept = default;
};

}  // namespace simul::http
