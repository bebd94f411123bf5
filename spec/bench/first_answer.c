/* Starts a server and tells how long it took from exec to its first HTTP answer, and its memory half a second later.
 *
 *   first_answer PORT COMMAND.. */
#include <signal.h>
#include <sys/wait.h>

#include "client.h"

static int try_connect(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *) &address, sizeof address) == 0)
    return fd;
  close(fd);
  return -1;
}

static void ask(int port, pid_t pid) {
  static const char request[] = "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  char answer[4096];
  int fd;
  while ((fd = try_connect(port)) < 0) {
    if (waitpid(pid, NULL, WNOHANG) == pid)
      die("the server ended");
    usleep(100);
  }
  if (write(fd, request, sizeof request - 1) < 0 || read(fd, answer, sizeof answer) <= 0)
    die("no answer");
  close(fd);
}

static long rss_kib(pid_t pid) {
  char path[64], line[256];
  long kib = 0;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file))
    sscanf(line, "VmRSS: %ld", &kib);
  fclose(file);
  return kib;
}

int main(int argc, char **argv) {
  if (argc < 3)
    die("first_answer PORT COMMAND..");
  int64_t started = clock_monotonic_ns();
  pid_t pid = fork();
  if (pid == 0) {
    freopen("/dev/null", "w", stdout);
    freopen("/dev/null", "w", stderr);
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  ask(atoi(argv[1]), pid);
  double ms = (clock_monotonic_ns() - started) / 1e6;
  usleep(500000);
  printf("first_ms=%.2f rss_kib=%ld\n", ms, rss_kib(pid));
  kill(pid, SIGTERM);
  waitpid(pid, NULL, 0);
  return 0;
}
