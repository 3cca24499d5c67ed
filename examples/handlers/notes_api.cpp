#include "notes_api.hpp"

#include <charconv>

#include <simul/http/json.hpp>

using namespace simul;
using namespace simul::http;

namespace {

/// The note that the path names.
std::map<int, std::string>::iterator find(Notes& notes, Request& request) {
  const std::string& text = request.param("id");
  int id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  const auto found = notes.texts.find(id);
  if (error != std::errc() || end != text.data() + text.size() || found == notes.texts.end()) {
    throw HttpError(404, "there is no such note");
  }
  return found;
}

}  // namespace

Router make_notes_api(Notes& notes) {
  Router router;
  router.get("/notes", [&notes](Request&) -> Coro<Response> {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& [id, text] : notes.texts) {
      list.push_back({{"id", id}, {"text", text}});
    }
    co_return json_response(list);
  });
  // [json]
  router.post("/notes", [&notes](Request& request) -> Coro<Response> {
    const nlohmann::json note = co_await read_json(request);
    if (!note.is_object() || !note.contains("text") || !note["text"].is_string()) {
      throw HttpError(422, "a note is {\"text\": \"...\"}");
    }
    const int id = ++notes.last_id;
    notes.texts[id] = note["text"];
    notes.news.send(notes.texts[id]);
    co_return json_response({{"id", id}}, 201).with("Location", "/notes/" + std::to_string(id));
  });
  // [/json]
  // [param]
  router.get("/notes/{id}", [&notes](Request& request) -> Coro<Response> {
    const auto& [id, text] = *find(notes, request);
    co_return json_response({{"id", id}, {"text", text}});
  });
  // [/param]
  router.del("/notes/{id}", [&notes](Request& request) -> Coro<Response> {
    notes.texts.erase(find(notes, request));
    co_return Response(204);
  });
  // [stream]
  router.get("/notes.txt", [&notes](Request&) -> Coro<Response> {  // sent while it is made
    co_return Response::stream("text/plain; charset=utf-8", [&notes](BodyWriter& out) -> Coro<> {
      for (auto note = notes.texts.begin(); note != notes.texts.end();) {
        const int id = note->first;
        const std::string line = note->second + "\n";
        if (!co_await out.write(line)) {
          co_return;
        }
        note = notes.texts.upper_bound(id);  // others may have come and gone meanwhile
      }
    });
  });
  // [/stream]
  // [events]
  router.get("/news", [&notes](Request&) -> Coro<Response> {  // for a browser's EventSource
    co_return Response::events([&notes](EventStream& events) -> Coro<> {
      BroadcastReceiver<std::string> news = notes.news.subscribe();
      while (auto item = co_await news.recv()) {
        if (!co_await events.send({.data = item->value, .event = "note"})) {
          co_return;
        }
      }
    });
  });
  // [/events]
  return router;
}
