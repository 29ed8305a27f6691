/* What the kernel's loopback can do in C: two processes, one socket, no library.
 *
 *   loopback echo unix|tcp BYTES TIMES      median time of a question and its answer, microseconds
 *   loopback stream unix|tcp BYTES COUNT    messages a second one way, a write each, reads as large as there is
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1e6 + at.tv_nsec / 1e3;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void tcp_pair(int ends[2]) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof place;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&place, size) || listen(listener, 1)) fail("listen");
    getsockname(listener, (struct sockaddr *)&place, &size);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(ends[0], (struct sockaddr *)&place, size)) fail("connect");
    if ((ends[1] = accept(listener, NULL, NULL)) < 0) fail("accept");
    for (int end = 0; end < 2; end++) setsockopt(ends[end], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    close(listener);
}

static void take(int end, char *into, size_t bytes) {
    for (size_t have = 0; have < bytes;) {
        ssize_t got = read(end, into + have, bytes - have);
        if (got <= 0) exit(got < 0);
        have += got;
    }
}

static void give(int end, const char *from, size_t bytes) {
    for (size_t sent = 0; sent < bytes;) {
        ssize_t put = write(end, from + sent, bytes - sent);
        if (put <= 0) exit(1);
        sent += put;
    }
}

static int by_size(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void echo(int ends[2], size_t bytes, long times) {
    char *body = calloc(1, bytes);
    double *took = malloc(times * sizeof *took);
    if (!fork()) {
        close(ends[0]);
        for (;;) {
            take(ends[1], body, bytes);
            give(ends[1], body, bytes);
        }
    }
    close(ends[1]);
    for (long turn = -times / 10; turn < times; turn++) {
        double started = now_us();
        give(ends[0], body, bytes);
        take(ends[0], body, bytes);
        if (turn >= 0) took[turn] = now_us() - started;
    }
    qsort(took, times, sizeof *took, by_size);
    printf("%.3f\n", took[times / 2]);
    close(ends[0]);
}

static void stream(int ends[2], size_t bytes, long count) {
    static char buffer[65536];
    size_t wanted = bytes * count, have = 0;
    double started = 0;
    if (!fork()) {
        char *body = calloc(1, bytes);
        close(ends[0]);
        for (long sent = 0; sent < count; sent++) give(ends[1], body, bytes);
        exit(0);
    }
    close(ends[1]);
    while (have < wanted) {
        ssize_t got = read(ends[0], buffer, sizeof buffer);
        if (got <= 0) fail("read");
        if (!have) started = now_us();
        have += got;
    }
    printf("%.0f\n", count / ((now_us() - started) / 1e6));
}

int main(int words, char **word) {
    int ends[2];
    if (words != 5) {
        fputs("loopback echo|stream unix|tcp BYTES COUNT\n", stderr);
        return 2;
    }
    if (!strcmp(word[2], "tcp")) tcp_pair(ends);
    else if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) fail("socketpair");
    (strcmp(word[1], "echo") ? stream : echo)(ends, strtoul(word[3], NULL, 10), strtol(word[4], NULL, 10));
    wait(NULL);
    return 0;
}
