// A small HTTP API: notes, as JSON. See notes_api.cpp; main.cpp serves it.
#pragma once

#include <map>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include <simul/broadcast.hpp>
#include <simul/http/http.hpp>

/// The notes of a server, for one loop.
struct Notes {
  int last_id = 0;
  std::map<int, std::string> texts{};
  simul::BroadcastSender<std::string> news = simul::broadcast<std::string>(64).sender;
};

/// `notes` must outlive the router.
simul::http::Router make_notes_api(Notes& notes);
