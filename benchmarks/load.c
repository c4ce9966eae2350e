/* The load generator: one program that talks to every server of the comparison, and measures all in the same way.

     load chat  PROTOCOL PORT [options]   keeps messages in flight in one room, and counts what is delivered
     load idle  PROTOCOL PORT [options]   clients that join, read what comes, and say nothing, until they are killed
     load flood PROTOCOL PORT [options]   one client that talks as fast as the server takes it
     load files gmc      PORT [options]   one client sends a file, the others fetch it and throw the bytes away

   PROTOCOL is gmc (labs/protocol.md), redis (publish/subscribe, RESP3) or irc. Options, with their defaults:

     --clients 100     in chat and idle: clients in the room; in files: receivers
     --flight 16       in chat: messages in flight; each new one is said by the next client
     --rate 0          in chat: instead, so many messages a second in total, whether the last has arrived or not
     --warm-up 0.5     seconds before anything is counted
     --seconds 2       of one window; one line of JSON is printed for each
     --windows 1
     --idle 0          in chat: seconds of silence between joining and talking
     --names c         what the clients' names begin with
     --features LIST   what gmc clients say they can do: "roster","bye","ping"
     --size, --sha256  of the file, which has nothing but zeros
     --window 4        in files: questions of 256 KiB that each receiver keeps open
     --early           in files: ask at once, and not only when the server has the whole file

   What is counted. A message is in flight from the moment its sender hands it to the kernel until the last of its
   receivers has decoded it; that time is its latency. A delivery is one message decoded by one client. gmc and IRC
   deliver to everyone but the sender, Redis to the sender too, and there that counts as well.

   One thread, one epoll. Client i binds to 127.0.0.(2 + i / 500), so that neither ports nor limits per address are short. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    MESSAGE = 64,             /* bytes of a message */
    CHUNK = 256 * 1024,       /* bytes of a file asked for at once: the protocol's largest */
    READ = 256 * 1024,        /* bytes of one recv */
    MOST_SLOTS = 4096,        /* messages in flight */
    JOINING = 64,             /* clients that join at the same time: fewer than any server's backlog */
    PER_ADDRESS = 500,
    MOST_SECONDS = 120,       /* then it ends, whatever happens */
    HEAD = 5,                 /* bytes of a frame that are no text in gmc: length and type */
};

struct client {
    int fd, number;
    bool joined, done;
    char *rest;               /* a frame that has begun and not ended */
    size_t rest_size, rest_room;
    size_t skip;              /* bytes of a file still to be thrown away */
    char *out;                /* what the kernel has not taken yet */
    size_t out_size, out_room;
    uint64_t asked, got;      /* of the file */
};

struct slot {                 /* one message in flight */
    int missing;              /* receivers that do not have it yet; 0: nothing is in flight here */
    double said_at;
};

struct protocol {
    const char *name;
    bool echoes;              /* the sender is a receiver too */
    void (*enter)(struct client *);
    size_t (*frame_size)(const char *bytes, size_t size); /* of the first frame; 0 when it is not whole */
    void (*control)(struct client *, const char *frame, size_t size); /* whatever is no message of ours */
    size_t (*write_message)(char *out, const char *message);
};

static const char *mode;
static const struct protocol *protocol;
static struct {
    int port, clients, flight, windows, window;
    double rate, warm_up, seconds, idle;
    const char *names, *features, *sha256;
    uint64_t size;
    bool early;
} option = {.clients = 100, .flight = 16, .windows = 1, .window = 4, .warm_up = 0.5, .seconds = 2, .names = "c",
            .features = "\"roster\",\"bye\",\"ping\"", .sha256 = "", .size = 1 << 20};

static struct client *clients;
static int joined;            /* how many */
static int epoll;
static char buffer[4 * 1024 * 1024];

static struct slot slots[MOST_SLOTS];
static int next_speaker;
static uint64_t deliveries;
static float *latencies;      /* microseconds, of the messages that arrived in this window */
static size_t latency_count, latency_room;
static bool counting;         /* only who chats counts what arrives */
static bool running;          /* a message that has arrived makes room for the next */

static char file_id[] = "000102030405060708090a0b0c0d0e0f";
static bool stored;
static int receivers_done;
static double offered_at, stored_at;

static void fail(const char *what) {
    fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void append(char **bytes, size_t *size, size_t *room, const char *more, size_t count) {
    if (*size + count > *room) {
        *room = 2 * (*size + count);
        *bytes = realloc(*bytes, *room);
        if (!*bytes) fail("no memory");
    }
    memcpy(*bytes + *size, more, count);
    *size += count;
}

/* ---- Sending and receiving ------------------------------------------------------------------------------------- */

static void watch(struct client *client, int how) {
    struct epoll_event event = {.events = EPOLLIN | (client->out_size ? EPOLLOUT : 0), .data.ptr = client};
    if (epoll_ctl(epoll, how, client->fd, &event)) fail("epoll_ctl");
}

static void flush(struct client *client) {
    size_t sent = 0;
    while (sent < client->out_size) {
        ssize_t count = send(client->fd, client->out + sent, client->out_size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) break;
        if (count < 0) fail("send");
        sent += count;
    }
    client->out_size -= sent;
    memmove(client->out, client->out + sent, client->out_size);
    if (!client->out_size) watch(client, EPOLL_CTL_MOD);
}

static void transmit(struct client *client, const char *bytes, size_t size) {
    ssize_t sent = 0;
    if (!client->out_size) {
        sent = send(client->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) fail("send");
        if (sent < 0) sent = 0;
    }
    if ((size_t)sent == size) return;
    bool waits = client->out_size > 0;
    append(&client->out, &client->out_size, &client->out_room, bytes + sent, size - sent);
    if (!waits) watch(client, EPOLL_CTL_MOD);
}

static void delivered(const char *message);

static void receive(struct client *client) {
    memcpy(buffer, client->rest, client->rest_size);
    ssize_t count = recv(client->fd, buffer + client->rest_size, READ, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) fail("recv");
    if (count == 0) { errno = 0; fail("the server has closed a connection"); }
    const char *at = buffer, *end = buffer + client->rest_size + count;
    for (;;) {
        if (client->skip) {
            size_t here = (size_t)(end - at) < client->skip ? (size_t)(end - at) : client->skip;
            at += here;
            client->skip -= here;
        }
        size_t size = protocol->frame_size(at, end - at);
        if (!size) break;
        if (size > (size_t)(end - at)) { /* a file's data: its head is enough */
            protocol->control(client, at, size);
            client->skip = size - (end - at);
            at = end;
            break;
        }
        const char *message = size > HEAD ? memchr(at + HEAD, '|', size - HEAD) : NULL;
        if (message) delivered(message);
        else protocol->control(client, at, size);
        at += size;
    }
    client->rest_size = 0;
    append(&client->rest, &client->rest_size, &client->rest_room, at, end - at);
}

static void wait_for_events(double seconds) {
    struct epoll_event events[512];
    int count = epoll_wait(epoll, events, 512, seconds > 0 ? (int)(seconds * 1000) + 1 : 0);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; i++) {
        if (events[i].events & EPOLLOUT) flush(events[i].data.ptr);
        if (events[i].events & ~EPOLLOUT) receive(events[i].data.ptr);
    }
}

static void has_joined(struct client *client) {
    if (!client->joined) joined++;
    client->joined = true;
}

/* ---- The messages: |, the number of the slot in hex, |, and padding ---------------------------------------------- */

static void say(int slot) {
    static char message[MESSAGE + 1], frame[512];
    snprintf(message, sizeof message, "|%04x|%0*d", slot, MESSAGE - 6, 0);
    slots[slot] = (struct slot){option.clients - !protocol->echoes, now()};
    struct client *speaker = &clients[next_speaker];
    next_speaker = (next_speaker + 37) % option.clients; /* another one each time, and not the one next to it */
    transmit(speaker, frame, protocol->write_message(frame, message));
}

static void delivered(const char *message) {
    unsigned slot = strtoul(message + 1, NULL, 16);
    if (!counting || slot >= MOST_SLOTS) return; /* a flooder's slot is too large */
    errno = 0;
    if (!slots[slot].missing) fail("a message was delivered twice");
    deliveries++;
    if (--slots[slot].missing) return;
    if (latency_count == latency_room) {
        latency_room = latency_room ? 2 * latency_room : 65536;
        latencies = realloc(latencies, latency_room * sizeof *latencies);
        if (!latencies) fail("no memory");
    }
    latencies[latency_count++] = (now() - slots[slot].said_at) * 1e6;
    if (running && !option.rate) say(slot);
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Returns the microseconds that so many of the messages did not take longer than. */
static double percentile(double share) {
    return latency_count ? latencies[(size_t)((latency_count - 1) * share)] : 0;
}

/* ---- Our wire: labs/protocol.md ------------------------------------------------------------------------------------ */

static void gmc_send(struct client *client, char type, const char *body) {
    char frame[2048];
    uint32_t length = strlen(body) + 1, big_endian = htonl(length);
    memcpy(frame, &big_endian, 4);
    frame[4] = type;
    memcpy(frame + 5, body, length - 1);
    transmit(client, frame, 4 + length);
}

static void gmc_enter(struct client *client) {
    char body[512];
    snprintf(body, sizeof body, "{\"name\":\"%s%d\",\"features\":[%s]}", option.names, client->number, option.features);
    gmc_send(client, 'H', body);
}

static size_t gmc_frame_size(const char *bytes, size_t size) {
    uint32_t length;
    if (size < 5) return 0;
    memcpy(&length, bytes, 4);
    length = 4 + ntohl(length);
    return size >= length || bytes[4] == 'D' ? length : 0;
}

static size_t gmc_write_message(char *out, const char *message) {
    uint32_t length = htonl(1 + 9 + MESSAGE + 2);
    memcpy(out, &length, 4);
    memcpy(out + 4, "T{\"text\":\"", 10);
    memcpy(out + 14, message, MESSAGE);
    memcpy(out + 14 + MESSAGE, "\"}", 2);
    return 16 + MESSAGE;
}

static uint64_t number_after(const char *frame, size_t size, const char *key) {
    const char *at = memmem(frame, size, key, strlen(key));
    if (!at) fail("a frame without a field that it must have");
    return strtoull(at + strlen(key), NULL, 10);
}

static void gmc_ask(struct client *client) {
    if (client->done || client->asked > option.size) return;
    char body[256];
    snprintf(body, sizeof body, "{\"id\":\"%s\",\"offset\":%llu,\"size\":%d}", file_id, (unsigned long long)client->asked, CHUNK);
    gmc_send(client, 'G', body);
    if (client->asked == option.size) client->asked++; /* the question for the end, which is asked once */
    else client->asked = client->asked + CHUNK < option.size ? client->asked + CHUNK : option.size;
}

static void gmc_answer(struct client *client, uint64_t offset, uint64_t size) {
    static char frame[29 + CHUNK];
    if (offset == option.size) {
        char body[256];
        snprintf(body, sizeof body, "{\"id\":\"%s\",\"sha256\":\"%s\"}", file_id, option.sha256);
        gmc_send(client, 'E', body);
        return;
    }
    if (size > option.size - offset) size = option.size - offset;
    uint32_t length = htonl(1 + 16 + 8 + size);
    uint64_t offset_on_wire = htobe64(offset);
    memcpy(frame, &length, 4);
    frame[4] = 'D';
    for (int i = 0; i < 16; i++) frame[5 + i] = i;
    memcpy(frame + 21, &offset_on_wire, 8);
    transmit(client, frame, 29 + size);
}

static void gmc_control(struct client *client, const char *frame, size_t size) {
    switch (frame[4]) {
    case 'W':
        has_joined(client);
        break;
    case 'R':
        fprintf(stderr, "load: refused: %.*s\n", (int)size - 5, frame + 5);
        exit(1);
    case 'P':
        gmc_send(client, 'Q', "{}");
        break;
    case 'A':
        fprintf(stderr, "load: the file was called off: %.*s\n", (int)size - 5, frame + 5);
        exit(1);
    case 'O':
        for (int i = 0; option.early && i < option.window; i++) gmc_ask(client);
        break;
    case 'G': /* only the sender is asked */
        gmc_answer(client, number_after(frame, size, "\"offset\":"), number_after(frame, size, "\"size\":"));
        break;
    case 'S':
        stored = true;
        stored_at = now();
        break;
    case 'D':
        client->got += size - 29;
        gmc_ask(client);
        break;
    case 'E':
        if (client->got != option.size) fail("the file ended before its end");
        client->done = true;
        receivers_done++;
        break;
    }
}

/* ---- Redis: RESP3, where one connection may subscribe and publish -------------------------------------------------- */

static void redis_enter(struct client *client) {
    const char *commands = "HELLO 3\r\nSUBSCRIBE room\r\n";
    transmit(client, commands, strlen(commands));
}

static size_t redis_frame_size(const char *bytes, size_t size) {
    const char *line_end = memchr(bytes, '\n', size);
    if (!line_end) return 0;
    size_t used = line_end + 1 - bytes;
    long count = strtol(bytes + 1, NULL, 10);
    if (bytes[0] == '$') used += count + 2;
    if (bytes[0] == '%') count *= 2; /* a map: keys and values */
    if (bytes[0] == '*' || bytes[0] == '>' || bytes[0] == '%')
        while (count-- > 0) {
            size_t part = used < size ? redis_frame_size(bytes + used, size - used) : 0;
            if (!part) return 0;
            used += part;
        }
    return used <= size ? used : 0;
}

static size_t redis_write_message(char *out, const char *message) {
    return sprintf(out, "*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n$%d\r\n%s\r\n", MESSAGE, message);
}

static void redis_control(struct client *client, const char *frame, size_t size) {
    if (frame[0] == '-') {
        fprintf(stderr, "load: refused: %.*s", (int)size, frame);
        exit(1);
    }
    if (memmem(frame, size, "subscribe", 9)) has_joined(client);
}

/* ---- IRC: RFC 2812 ------------------------------------------------------------------------------------------------- */

static void irc_enter(struct client *client) {
    char commands[256];
    int size = snprintf(commands, sizeof commands, "NICK %s%d\r\nUSER c 0 * :c\r\nJOIN #room\r\n", option.names, client->number);
    transmit(client, commands, size);
}

static size_t irc_frame_size(const char *bytes, size_t size) {
    const char *line_end = memchr(bytes, '\n', size);
    return line_end ? (size_t)(line_end + 1 - bytes) : 0;
}

static size_t irc_write_message(char *out, const char *message) {
    return sprintf(out, "PRIVMSG #room :%s\r\n", message);
}

static void irc_control(struct client *client, const char *line, size_t size) {
    if (size > 5 && !memcmp(line, "PING ", 5)) {
        char pong[512];
        transmit(client, pong, snprintf(pong, sizeof pong, "PONG %.*s\r\n", (int)size - 7, line + 5));
    } else if (size > 5 && !memcmp(line, "ERROR", 5)) {
        fprintf(stderr, "load: refused: %.*s", (int)size, line);
        exit(1);
    } else if (memmem(line, size, " 366 ", 5)) { /* the end of the list of names: we are in */
        has_joined(client);
    }
}

static const struct protocol protocols[] = {
    {"gmc", false, gmc_enter, gmc_frame_size, gmc_control, gmc_write_message},
    {"redis", true, redis_enter, redis_frame_size, redis_control, redis_write_message},
    {"irc", false, irc_enter, irc_frame_size, irc_control, irc_write_message},
};

/* ---- The modes ----------------------------------------------------------------------------------------------------- */

static void join_all(int count) {
    clients = calloc(count, sizeof *clients);
    if (!clients) fail("no memory");
    double give_up = now() + 60;
    for (int i = 0; i < count || joined < count; ) {
        if (i == count || i - joined >= JOINING) {
            errno = 0;
            if (now() > give_up) fail("not everyone was let in within 60 seconds");
            wait_for_events(0.1);
            continue;
        }
        struct client *client = &clients[i];
        client->number = i;
        client->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (client->fd < 0) fail("socket");
        int one = 1;
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002 + i / PER_ADDRESS)};
        struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(option.port),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        if (bind(client->fd, (struct sockaddr *)&own, sizeof own)) fail("bind");
        if (connect(client->fd, (struct sockaddr *)&server, sizeof server)) fail("connect");
        watch(client, EPOLL_CTL_ADD);
        protocol->enter(client);
        i++;
    }
}

static void report_joined(void) {
    printf("{\"joined\": %d}\n", joined);
    fflush(stdout);
}

static void serve_until(double end) {
    for (double left; (left = end - now()) > 0; ) wait_for_events(left);
}

static void talk_until(double end) {
    static double next;
    if (!option.rate) { serve_until(end); return; }
    if (!next) next = now();
    for (double time; (time = now()) < end; ) {
        static int slot;
        for (; next <= time; next += 1 / option.rate) {
            errno = 0;
            if (slots[slot].missing) fail("the server is far behind");
            say(slot);
            slot = (slot + 1) % MOST_SLOTS;
        }
        wait_for_events(next < end ? next - time : end - time);
    }
}

static void chat(void) {
    join_all(option.clients);
    report_joined();
    counting = true;
    serve_until(now() + option.idle);
    running = true;
    for (int slot = 0; slot < option.flight && !option.rate; slot++) say(slot);
    talk_until(now() + option.warm_up);
    for (int window = 0; window < option.windows; window++) {
        deliveries = latency_count = 0;
        double start = now(), cpu = cpu_seconds();
        talk_until(start + option.seconds);
        double seconds = now() - start;
        cpu = cpu_seconds() - cpu;
        qsort(latencies, latency_count, sizeof *latencies, compare);
        printf("{\"deliveries_per_s\": %.0f, \"messages_per_s\": %.0f, \"median_us\": %.1f, \"p99_us\": %.1f, "
               "\"max_us\": %.1f, \"generator_cpu\": %.3f}\n", deliveries / seconds, latency_count / seconds,
               percentile(0.5), percentile(0.99), percentile(1), cpu / seconds);
        fflush(stdout);
    }
}

static void idle(void) {
    join_all(option.clients);
    report_joined();
    for (;;) wait_for_events(1);
}

static void flood(void) {
    static char messages[64 * 1024], message[MESSAGE + 1];
    snprintf(message, sizeof message, "|ffff|%0*d", MESSAGE - 6, 0); /* a slot that nobody counts */
    size_t size = 0;
    while (size < sizeof messages - 512) size += protocol->write_message(messages + size, message);
    option.clients = 1;
    join_all(1);
    report_joined();
    for (;;) {
        if (!clients[0].out_size) transmit(&clients[0], messages, size);
        wait_for_events(clients[0].out_size ? 1 : 0);
    }
}

static void files(void) {
    option.features = "\"roster\",\"files\",\"bye\",\"ping\"";
    join_all(option.clients + 1);
    struct client *sender = &clients[option.clients];
    char body[256];
    snprintf(body, sizeof body, "{\"id\":\"%s\",\"name\":\"zeros\",\"size\":%llu}", file_id, (unsigned long long)option.size);
    offered_at = now();
    gmc_send(sender, 'O', body);
    double start = offered_at, cpu = cpu_seconds();
    if (!option.early) {
        while (!stored) wait_for_events(1);
        start = now();
        cpu = cpu_seconds();
        for (int i = 0; i < option.clients * option.window; i++) gmc_ask(&clients[i % option.clients]);
    }
    report_joined();
    while (receivers_done < option.clients) wait_for_events(1);
    double seconds = now() - start;
    printf("{\"bytes_per_s\": %.0f, \"seconds\": %.3f, \"upload_bytes_per_s\": %.0f, \"generator_cpu\": %.3f}\n",
           option.clients * (double)option.size / seconds, seconds, option.size / (stored_at - offered_at),
           (cpu_seconds() - cpu) / seconds);
}

static void parse(int count, char **arguments) {
    for (int i = 4; i < count; i++) {
        const char *name = arguments[i];
        if (!strcmp(name, "--early")) { option.early = true; continue; }
        const char *value = i + 1 < count ? arguments[++i] : "";
        if (!strcmp(name, "--clients")) option.clients = atoi(value);
        else if (!strcmp(name, "--flight")) option.flight = atoi(value);
        else if (!strcmp(name, "--rate")) option.rate = atof(value);
        else if (!strcmp(name, "--warm-up")) option.warm_up = atof(value);
        else if (!strcmp(name, "--seconds")) option.seconds = atof(value);
        else if (!strcmp(name, "--windows")) option.windows = atoi(value);
        else if (!strcmp(name, "--idle")) option.idle = atof(value);
        else if (!strcmp(name, "--names")) option.names = value;
        else if (!strcmp(name, "--features")) option.features = value;
        else if (!strcmp(name, "--size")) option.size = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--sha256")) option.sha256 = value;
        else if (!strcmp(name, "--window")) option.window = atoi(value);
        else { fprintf(stderr, "load: unknown option %s\n", name); exit(2); }
    }
}

int main(int count, char **arguments) {
    if (count < 4) { fprintf(stderr, "usage: load chat|idle|flood|files gmc|redis|irc PORT [options]\n"); return 2; }
    mode = arguments[1];
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (!strcmp(arguments[2], protocols[i].name)) protocol = &protocols[i];
    if (!protocol) { fprintf(stderr, "load: unknown protocol %s\n", arguments[2]); return 2; }
    option.port = atoi(arguments[3]);
    parse(count, arguments);
    if (option.clients < 1 || option.flight < 1 || option.flight > MOST_SLOTS) { errno = 0; fail("too few or too many"); }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    alarm(MOST_SECONDS);
    epoll = epoll_create1(0);
    if (!strcmp(mode, "chat")) chat();
    else if (!strcmp(mode, "idle")) idle();
    else if (!strcmp(mode, "flood")) flood();
    else if (!strcmp(mode, "files")) files();
    else { fprintf(stderr, "load: unknown mode %s\n", mode); return 2; }
    return 0;
}
