/* Starts a server and tells how long it took from exec to its first HTTP answer, and its
 * memory half a second later.  The server says on standard output that it listens on
 * http://127.0.0.1:PORT: who asked again and again instead would take from the core that
 * it starts on.
 *
 *   first_answer COMMAND.. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "client.h"

static int wait_for_port(int output) {
  char said[512];
  size_t len = 0;
  for (ssize_t n; (n = read(output, said + len, sizeof said - 1 - len)) > 0;) {
    len += n;
    said[len] = '\0';
    const char *url = strstr(said, "http://127.0.0.1:");
    if (url && strchr(url, '\n'))
      return atoi(url + strlen("http://127.0.0.1:"));
  }
  die("the server ended");
}

static void ask(int port) {
  static const char request[] = "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  char answer[4096];
  int fd = client_connect(port);
  if (write(fd, request, sizeof request - 1) < 0)
    die("no connection");
  poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1);
  if (read(fd, answer, sizeof answer) <= 0)
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
  int output[2];
  if (argc < 2 || pipe(output) < 0)
    die("first_answer COMMAND..");
  int64_t started = clock_monotonic_ns();
  pid_t pid = fork();
  if (pid == 0) {
    dup2(output[1], STDOUT_FILENO);
    close(output[0]);
    close(output[1]);
    if (freopen("/dev/null", "w", stderr) != NULL)
      execvp(argv[1], argv + 1);
    _exit(127);
  }
  close(output[1]);
  ask(wait_for_port(output[0]));
  double ms = (clock_monotonic_ns() - started) / 1e6;
  usleep(500000);
  printf("first_ms=%.2f rss_kib=%ld\n", ms, rss_kib(pid));
  kill(pid, SIGTERM);
  waitpid(pid, NULL, 0);
  return 0;
}
