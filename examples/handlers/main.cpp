// Serves the notes.
//
//   handlers 127.0.0.1:8080
//   curl -d '{"text": "buy milk"}' http://127.0.0.1:8080/notes
#include <cstdio>
#include <exception>

#include <simul/simul.hpp>

#include "notes_api.hpp"

int main(int argc, char** argv) try {
  Notes notes;
  const auto endpoint = simul::Endpoint::parse(argc > 1 ? argv[1] : "127.0.0.1:8080");
  simul::SocketListener listener = simul::listen(endpoint.value());
  std::printf("listening on http://%s/notes\n", listener.local_endpoint().to_string().c_str());
  std::fflush(stdout);
  // [serve]
  simul::run(simul::serve(std::move(listener), simul::http::handler(make_notes_api(notes))));
  // [/serve]
} catch (const std::exception& error) {
  std::fprintf(stderr, "handlers: %s\n", error.what());
  return 1;
}
