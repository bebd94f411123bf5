#include <arpa/inet.h>

#include "net/allow.h"
#include "test.h"

/* Which names and addresses scripts, captures and alerts may call: whoever owns the DNS of an
 * allowed name lets it lead anywhere. */

static struct allow *allow_of(const char *const *entries) {
  struct allow *allow = allow_new();
  for (; *entries != NULL; entries++)
    CHECK(allow_add(allow, *entries) == NULL);
  return allow;
}

static bool may_call(const struct allow *allow, const char *host, const char *address) {
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(443)};
  bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
  CHECK(is_v4 || inet_pton(AF_INET6, address, &to.sin6_addr) == 1);
  return allow_host(allow, host, 443) &&
         allow_address(allow, host, is_v4 ? (struct sockaddr *) &v4 : (struct sockaddr *) &to);
}

static void test_names_lead_outside_alone(void) {
  static const char *const entries[] = {"a.example", "*.b.example", "c.example:443", NULL};
  static const char *const outside[] = {"93.184.216.34", "2606:2800:220:1::1", "2a00::1",
                                        "::ffff:93.184.216.34"};
  static const char *const inside[] = {
      "127.0.0.1",       "127.9.9.9",          "0.0.0.0",          "10.1.2.3",     "172.31.0.1",
      "192.168.1.1",     "169.254.169.254",    "100.64.0.1",       "224.0.0.1",    "255.1.1.1",
      "::",              "::1",                "::127.0.0.1",      "fd00::1",      "fe80::1",
      "fec0::1",         "ff02::1",            "::ffff:127.0.0.1", "2002:7f00:1::", "2001::1",
      "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",  "100::1",       "5f00::1"};
  struct allow *allow = allow_of(entries);
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
    CHECK(may_call(allow, "a.example", outside[i]) && may_call(allow, "x.b.example", outside[i]));
  for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
    if (may_call(allow, "a.example", inside[i]) || may_call(allow, "x.b.example", inside[i]) ||
        may_call(allow, "c.example", inside[i])) {
      fprintf(stderr, "%s\n", inside[i]);
      CHECK(false);
    }
  allow_free(allow);
}

static void test_what_is_named_may_be_inside(void) {
  static const char *const entries[] = {"localhost:443", "10.0.0.0/8", "[fd00::1]:443",
                                        "a.example", NULL};
  struct allow *allow = allow_of(entries);
  CHECK(may_call(allow, "localhost", "127.0.0.1") && may_call(allow, "localhost", "::1"));
  CHECK(!may_call(allow, "localhost", "192.168.0.1") && !may_call(allow, "127.0.0.1", "127.0.0.1"));
  CHECK(may_call(allow, "10.1.2.3", "10.1.2.3") && may_call(allow, "a.example", "10.1.2.3"));
  CHECK(may_call(allow, "fd00::1", "fd00::1") && !may_call(allow, "fd00::2", "fd00::2"));
  CHECK(!allow_host(allow, "localhost", 80) && !allow_host(allow, "b.a.example", 443));
  CHECK(!allow_host(allow, "169.254.169.254", 443) && !allow_host(allow, "2130706433", 443));
  allow_free(allow);
}

int main(void) {
  test_names_lead_outside_alone();
  test_what_is_named_may_be_inside();
  return TEST_END;
}
