/* Fails when the llhttp we link is its lenient half: both requests are errors to the strict parser
 * only. */
#include <stdio.h>
#include <string.h>

#include <llhttp.h>

static int accepted(const char* request) {
  llhttp_t parser;
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  return llhttp_execute(&parser, request, strlen(request)) == HPE_OK;
}

int main(void) {
  if (accepted("GET /\x80 HTTP/1.1\r\n\r\n") || accepted("GET / HTTP/1.1\r\nA b: c\r\n\r\n")) {
    puts("this llhttp is lenient: was llhttp.c compiled with -DLLHTTP_STRICT_MODE=1?");
    return 1;
  }
  if (!accepted("GET / HTTP/1.1\r\nHost: a\r\n\r\n")) {
    puts("this llhttp rejects an ordinary request");
    return 1;
  }
  return 0;
}
