// All of simul's HTTP server for handlers, but JSON, which is in <simul/http/json.hpp>.
#pragma once

#include <simul/http/body_writer.hpp>
#include <simul/http/event_stream.hpp>
#include <simul/http/file.hpp>
#include <simul/http/form.hpp>
#include <simul/http/header_fields.hpp>
#include <simul/http/http_error.hpp>
#include <simul/http/request.hpp>
#include <simul/http/response.hpp>
#include <simul/http/router.hpp>
#include <simul/http/server.hpp>
