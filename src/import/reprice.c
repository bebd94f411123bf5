#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "import/http_client.h"
#include "import/import.h"
#include "import/progress.h"

static const char usage[] =
    "usage: moonledger [--config FILE] reprice [OPTIONS]\n"
    "\n"
    "Has the running server compute the costs of stored rows anew, from the prices in force.  Costs that a\n"
    "sender reported stay as they are.\n"
    "\n"
    "  --url URL       of the server: http://HOST:PORT (that of the config)\n"
    "  --token TOKEN   with scope admin ($MOONLEDGER_ADMIN_TOKEN)\n";

struct reprice_options {
  const char *url, *token;
};

static int parse(struct reprice_options *o, int argc, char **argv) {
  static const struct option names[] = {{"url", required_argument, NULL, 'u'},
                                        {"token", required_argument, NULL, 't'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  *o = (struct reprice_options){.token = getenv("MOONLEDGER_ADMIN_TOKEN")};
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    if (c == 'u')
      o->url = optarg;
    else if (c == 't')
      o->token = optarg;
    else
      return fputs(usage, c == 'h' ? stdout : stderr), c == 'h' ? 1 : 3;
  }
  return optind == argc ? 0 : (fputs(usage, stderr), 3);
}

static unsigned long long number_in(const char *answer, const char *name) {
  char key[32];
  snprintf(key, sizeof key, "\"%s\":", name);
  const char *at = strstr(answer, key);
  return at != NULL ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* The cursor of the next page as part of a target; false when there is none. */
static bool next_page(const char *answer, char target[256]) {
  const char *at = strstr(answer, "\"next_cursor\":\"");
  if (at == NULL)
    return false;
  at += strlen("\"next_cursor\":\"");
  snprintf(target, 256, "/-/reprice?cursor=%.*s", (int) strcspn(at, "\""), at);
  return true;
}

static int reprice(const struct http_client *client, const char *url) {
  struct progress progress;
  struct buf answer = {0};
  char target[256] = "/-/reprice";
  unsigned long long seen = 0, changed = 0;
  int status;
  progress_start(&progress, 0);
  do {
    status = http_client_post(client, target, "", 0, &answer);
    buf_putc(&answer, '\0');
    if (status != 200)
      break;
    seen += number_in(answer.data, "seen");
    changed += number_in(answer.data, "changed");
    progress.total = number_in(answer.data, "total");
    progress_update(&progress, seen, seen);
  } while (next_page(answer.data, target));
  double seconds = progress_end(&progress);
  if (status != 200)
    fprintf(stderr, "moonledger: %s: %s %.300s\n", url,
            status < 0 ? uv_strerror(status) : "refused:", status < 0 ? "" : answer.data);
  else
    printf("%s: %llu rows seen in %.1f s, %llu with a new cost\n", url, seen, seconds, changed);
  buf_clear(&answer);
  return status == 200 ? 0 : 1;
}

static char *url_of(const struct options *options, const char *given) {
  struct buf url = {0};
  if (given != NULL) {
    buf_puts(&url, given);
  } else {
    struct buf error = {0};
    struct config *config = config_load(options->config, &options->overrides, &error);
    if (config == NULL)
      fprintf(stderr, "moonledger: %.*s\n", (int) error.len, error.data);
    else
      buf_printf(&url, strchr(config->host, ':') ? "http://[%s]:%d" : "http://%s:%d", config->host,
                 config->port);
    config_free(config);
    buf_clear(&error);
    if (url.len == 0)
      return NULL;
  }
  buf_putc(&url, '\0');
  return url.data;
}

int reprice_main(const struct options *options, int argc, char **argv) {
  struct reprice_options o;
  struct http_client client;
  int code = parse(&o, argc - (options->first - 1), argv + options->first - 1);
  if (code != 0)
    return code - 1;
  char *url = url_of(options, o.url);
  if (url == NULL)
    return 1;
  if (http_client_init(&client, url, o.token)) {
    code = reprice(&client, url);
    http_client_clear(&client);
  } else {
    fprintf(stderr, "moonledger: %s: expected http://HOST:PORT\n", url);
    code = 1;
  }
  free(url);
  return code;
}
