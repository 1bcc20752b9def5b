/* drives libfloor.so through dlopen + function pointers, as a foreign language would. */
#define _GNU_SOURCE
#include "harness.h"
#include <dlfcn.h>
typedef void *S_;
static S_ (*start)(S_, const char *, size_t); static void (*str)(S_, const char *, size_t, const char *, size_t); static void (*i64)(S_, const char *, size_t, int64_t); static void (*dbl)(S_, const char *, size_t, double); static void (*end)(S_), (*flush)(void), (*enable)(int), (*init)(int, int), (*down)(void); static long (*recv_)(void);
static S_ root;
#define K(s) s, sizeof(s) - 1
static void w1(int t, long n) { (void)t; for (long i = 0; i < n; i++) { S_ s = start(root, K("llm.chat")); str(s, K("gen_ai.request.model"), MODEL, 16); i64(s, K("gen_ai.usage.input_tokens"), 1234); i64(s, K("gen_ai.usage.output_tokens"), 256); str(s, K("gen_ai.response.finish_reason"), "stop", 4); dbl(s, K("gen_ai.request.temperature"), .7); str(s, K("gen_ai.output.text"), TXT1K, 1024); end(s); } }
static void w3(int t, long n) { (void)t; for (long i = 0; i < n; i++) end(start(root, K("llm.chat"))); }
static void w2(int n) { for (int t = 0; t < n; t++) { S_ r = start(0, K("agent.run")); for (int k = 0; k < STEPS; k++) {
  S_ s = start(r, K("llm.chat")); str(s, K("gen_ai.request.model"), MODEL, 16); i64(s, K("gen_ai.usage.input_tokens"), 1234); i64(s, K("gen_ai.usage.output_tokens"), 256); str(s, K("gen_ai.input.text"), TXT4K, 4096); str(s, K("gen_ai.output.text"), TXT1K, 1024); end(s);
  s = start(r, K("tool.call")); str(s, K("tool.name"), K("search")); str(s, K("tool.input"), TXT512, 512); str(s, K("tool.output"), TXT512, 512); end(s);
  s = start(r, K("critic")); str(s, K("critic.name"), K("judge")); dbl(s, K("critic.score"), .83); end(s); } end(r); } }
static void fl(void) { flush(); } static long rc(void) { return recv_(); }
int main(int argc, char **argv) {
  bench_init(); const char *wl = argc > 1 ? argv[1] : "W1"; int thr = argc > 2 ? atoi(argv[2]) : 1;
  void *h = dlopen(getenv("FLOOR_LIB") ? getenv("FLOOR_LIB") : "./libfloor.so", RTLD_NOW); if (!h) { fprintf(stderr, "%s\n", dlerror()); return 77; }
#define G(f, n) *(void **)&f = dlsym(h, n)
  G(start, "fl_start"); G(str, "fl_str"); G(i64, "fl_int"); G(dbl, "fl_dbl"); G(end, "fl_end"); G(flush, "fl_flush"); G(enable, "fl_enable"); G(init, "fl_init"); G(down, "fl_shutdown"); G(recv_, "fl_received");
  init(wl[1] == '2', sink_port()); if (wl[1] == '4') enable(0);
  root = start(0, K("root"));
  const char *nt = "prototype of the least work: encode at call into recycled slot, SPSC ring, dlopen";
  if (wl[1] == '2') run_w2("floor", 40, w2, fl, nt); else run_bursts("floor", wl, thr, wl[1] == '4' ? 400 : 50, wl[1] == '3' ? w3 : w1, fl, rc, wl[1] != '4', nt);
  down(); return 0;
}
