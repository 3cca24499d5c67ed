// HttpServer: conversations with all the clients of one listener, about one application.
//
//   HttpServer server(std::move(settings), std::move(application));
//   co_await server.serve(peer);
//
// It serves on several loops at once.
#pragma once

#include <memory>
#include <utility>

#include <simul/connection.hpp>
#include <simul/coro.hpp>

#include "http/application.hpp"
#include "http/conversation.hpp"
#include "http/settings.hpp"

namespace simul::http {

class HttpServer {
 public:
  HttpServer(Settings settings, std::unique_ptr<Application> application)
      : subject_{.settings = std::move(settings), .application = std::move(application)} {}

  /// Before the first connection, once or for each loop: opens the access log. Throws std::system_error.
  void start() {
    if (subject_.settings.access_log != nullptr) {
      subject_.settings.access_log->start();
    }
  }
  /// All that an idle connection owns is the frame of this.
  Coro<> serve(Connection& peer);

 private:
  Subject subject_;
};

}  // namespace simul::http
