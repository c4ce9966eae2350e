/* The least that any server of our wire has to do: one thread, no checks, no limits; everyone in one room, no echo.

     sink PORT

   It shows what the load generator can take: a server that reaches less than this is measured, not the generator. All
   that has come since the last round leaves in one call per client. A client that stops reading stops the sink. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOST = 20000, READ = 64 * 1024, ROUND = 4 * 1024 * 1024, PIECES = 1024 };

static struct { bool in; char rest[READ]; size_t size; } *clients[MOST]; /* by descriptor */
static int highest;
static char joined[ROUND];                                         /* one round's texts, one after the other */
static struct { int sender; size_t start, end; } texts[ROUND / 16];
static int text_count;

static void must(bool holds, const char *what) {
    if (!holds) { perror(what); exit(1); }
}

static void send_round(void) {
    for (int fd = 0; text_count && fd <= highest; fd++) {
        if (!clients[fd] || !clients[fd]->in) continue;
        struct iovec pieces[PIECES];
        int count = 0;
        for (int i = 0; i < text_count; i++) {
            if (texts[i].sender == fd) continue;
            if (count && (char *)pieces[count - 1].iov_base + pieces[count - 1].iov_len == joined + texts[i].start)
                pieces[count - 1].iov_len += texts[i].end - texts[i].start;
            else if (count < PIECES)
                pieces[count++] = (struct iovec){joined + texts[i].start, texts[i].end - texts[i].start};
        }
        if (count && writev(fd, pieces, count) < 0) continue; /* gone: receive() will see it */
    }
    text_count = 0;
}

static void handle(int fd, const char *frame, size_t size) {
    static const char welcome[] = "\0\0\0\x10W{\"features\":[]}";
    if (frame[4] == 'H') {
        must(send(fd, welcome, sizeof welcome - 1, MSG_NOSIGNAL) > 0, "send");
        clients[fd]->in = true;
    } else if (frame[4] == 'T') { /* the body is {"text":...}, and becomes {"from":"c","text":...} */
        static const char from[] = "T{\"from\":\"c\",";
        size_t start = text_count ? texts[text_count - 1].end : 0, body = size - 6;
        uint32_t length = htonl(sizeof from - 1 + body);
        must(start + size + sizeof from < ROUND, "too much in one round");
        memcpy(joined + start, &length, 4);
        memcpy(joined + start + 4, from, sizeof from - 1);
        memcpy(joined + start + 4 + sizeof from - 1, frame + 6, body);
        texts[text_count].sender = fd;
        texts[text_count].start = start;
        texts[text_count++].end = start + 4 + sizeof from - 1 + body;
    }
}

static void receive(int fd) {
    size_t at = 0;
    ssize_t count = recv(fd, clients[fd]->rest + clients[fd]->size, READ - clients[fd]->size, MSG_DONTWAIT);
    if (count <= 0) {
        close(fd);
        free(clients[fd]);
        clients[fd] = NULL;
        return;
    }
    clients[fd]->size += count;
    for (uint32_t length; clients[fd]->size - at >= 5; at += 4 + length) {
        memcpy(&length, clients[fd]->rest + at, 4);
        length = ntohl(length);
        if (clients[fd]->size - at < 4 + length) break;
        handle(fd, clients[fd]->rest + at, 4 + length);
    }
    clients[fd]->size -= at;
    memmove(clients[fd]->rest, clients[fd]->rest + at, clients[fd]->size);
}

int main(int count, char **arguments) {
    if (count != 2) { fprintf(stderr, "usage: sink PORT\n"); return 2; }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    must(!bind(listener, (struct sockaddr *)&address, sizeof address), "bind");
    must(!listen(listener, 1024), "listen");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd != listener) { receive(events[i].data.fd); continue; }
            int fd = accept(listener, NULL, NULL);
            must(fd >= 0 && fd < MOST, "accept");
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            clients[fd] = calloc(1, sizeof *clients[fd]);
            if (fd > highest) highest = fd;
            event.data.fd = fd;
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        }
        send_round();
    }
}
