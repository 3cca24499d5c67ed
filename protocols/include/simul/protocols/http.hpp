// http: an HTTP/1.1 and HTTP/1.0 server for sites: folders of files by host, fixed texts, redirects.
//
//   listeners:
//     - name: web
//       address: 127.0.0.1:8080
//       protocol: http
//       options: { root: ./public, routes: { /hello: "Hello, world!\n" } }
//
// Keep-alive, pipelining (everything that has arrived is answered with one send), bounded memory whatever the
// peer does, and no leniency about where a request ends. For handlers in C++ there is <simul/http/http.hpp>.
#pragma once

#include <simul/export.hpp>
#include <simul/protocol.hpp>

namespace simul {

[[nodiscard]] SIMUL_EXPORT const ProtocolType& http_protocol();

}  // namespace simul
