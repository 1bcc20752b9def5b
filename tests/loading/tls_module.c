/* A library that asks for static thread-local storage, of which a process has only so much to give to libraries that
 * are loaded late. */
static __thread char storage[256] __attribute__((tls_model("initial-exec"), aligned(64)));

char* tls_module_storage(void);
char* tls_module_storage(void) { return storage; }
