// Router: finds the handler of a request by its method and path.
//
//   Router router;
//   router.get("/users/{id}", show_user)
//         .post("/users", create_user)
//         .get("/files/{path...}", send_file)     // the rest of the path
//         .use(require_token);                    // around all of them
//   run(serve(listen(endpoint), http::handler(std::move(router))));
//
// Segment by segment, a literal goes before a parameter, and that before a rest. A path that is there but
// not for this method gives 405 with Allow, OPTIONS is answered with Allow (204), and HEAD takes GET's handler
// where it has none of its own. Paths are compared decoded, and case matters.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include <simul/coro.hpp>
#include <simul/export.hpp>
#include <simul/http/request.hpp>
#include <simul/http/response.hpp>

namespace simul::http {

/// Several requests may be in a handler at once, of one client and on several threads. What it throws is an
/// answer, too: see HttpError.
using Handler = std::function<Coro<Response>(Request&)>;

/// Runs around a handler: may answer itself, look at the request before, change the answer after.
///
///   Coro<Response> timed(Request& request, const Handler& next) {
///     const TimePoint begin = Loop::current().exact_now();
///     Response response = co_await next(request);
///     co_return std::move(response).with("Server-Timing", ...);
///   }
using Middleware = std::function<Coro<Response>(Request&, const Handler& next)>;

class SIMUL_EXPORT Router {
 public:
  Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  /// `pattern` begins with a slash; a segment is literal (not encoded), `{name}`, or at the end `{name...}`
  /// for one or more. What `{name...}` stands for has neither `.` nor `..` among its segments, and no slash or
  /// NUL that was encoded; that of `{name}` is whatever a client likes. Throws std::invalid_argument for a
  /// pattern that can't be, or one that is there for this method.
  Router& route(std::string_view method, std::string_view pattern, Handler handler);
  Router& get(std::string_view pattern, Handler handler);
  Router& post(std::string_view pattern, Handler handler);
  Router& put(std::string_view pattern, Handler handler);
  Router& patch(std::string_view pattern, Handler handler);
  Router& del(std::string_view pattern, Handler handler);

  /// Goes around every route of this router, before or after this call, and around its own answers (404,
  /// 405). The first one is the outermost.
  Router& use(Middleware middleware);

  /// Answers to a request. Thread: any loop's; the router must not change any more.
  Coro<Response> respond(Request& request) const;

 private:
  struct Node;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace simul::http
