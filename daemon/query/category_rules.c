// SPDX-License-Identifier: GPL-2.0
/*
 * The built-in rules. The narrow ones come first: locks and crypto of the
 * kernel before "kernel", collectors before the runtime they are part of.
 */
#include "query/category_rules.h"

const char category_rules[] =
	/* locks: the kernel's, libc's, the JVM's, Go's */
	"lock function ^_?_?(raw_)?(spin|read|write)_(un)?lock|^(native_)?queued_spin_lock\n"
	"lock function ^_?_?(mutex|rwsem|down_read|down_write|up_read|up_write|rt_mutex)_?\\w*\n"
	"lock function ^_?_?(do_)?futex_|^__x64_sys_futex|^osq_lock|^__lll_lock|^lll_\n"
	"lock function "
	"^_?_?_?pthread_(mutex|rwlock|spin|cond)|^std::(mutex|shared_mutex|condition_v)\n"
	"lock function "
	"^runtime\\.(lock2?|unlock2?|futex|semacquire|semrelease|notesleep)|^sync\\.\n"
	"lock function ^ObjectMonitor::|^(Monitor|Mutex)::|^parking_lot\n"
	/* garbage collection */
	"gc function ^runtime\\.(gc|scan|mark|sweep|greyobject|bgsweep|bgscavenge|wb|shade)\n"
	"gc function ^runtime\\.\\(\\*(gcWork|gcBits|mspan|sweep)\n"
	"gc function ^(gc_collect|_?PyObject_GC_|deduce_unreachable|visit_|subtract_refs)\n"
	"gc function "
	"^(G1|Parallel|PSScavenge|PSPromotion|Shenandoah|ZMark|ZGC|CMS|SerialFull|GenMark)\n"
	"gc function "
	"^v8::internal::(MarkCompact|Scaveng|Heap::|Sweeper|MarkingVisitor|Concurrent)\n"
	"gc function "
	"^(rb_gc|gc_(mark|sweep|marks|start)|SVR::|WKS::gc_heap|JSC::(Heap|MarkedBlock))\n"
	/* memory allocation */
	"allocator function ^_?_?_?(libc_)?(malloc|calloc|realloc|free|memalign|posix_memalign)$\n"
	"allocator function ^_int_(malloc|free|realloc)|^(sysmalloc|malloc_consolidate|tcache_)\n"
	"allocator function ^(unlink_chunk|cfree|operator "
	"(new|delete))|^(je|mi|tc)_(m|c|re)?alloc\n"
	"allocator function ^(tcmalloc|arena_|tcache_|je_|mi_(free|malloc|page|heap))\n"
	"allocator function "
	"^(kmem_cache|kmalloc|kfree|__?k(m|z|c)alloc|slab_|___slab|__slab|get_page_from)\n"
	"allocator function ^(__)?(alloc_pages|free_pages|free_unref|rmqueue|get_any_partial)\n"
	"allocator function "
	"^runtime\\.(malloc|newobject|makeslice|growslice|makemap)|^_?PyObject_(Mal|Fr)\n"
	"allocator function "
	"^runtime\\.\\(\\*(mcache|mcentral|mheap)|^pymalloc|^__rust_(re|de)?alloc\n"
	/* compression */
	"compression binary "
	"/lib(z|zstd|lz4|lzma|bz2|brotli\\w*|snappy|deflate|isal)([-.\\d]|\\.so)\n"
	"compression function ^(ZSTD|HUF|FSE|LZ4|BrotliDe|BrotliEn|lzma|XXH)_|^(deflate|inflate)\n"
	"compression function "
	"^compress/|^(adler32|crc32)|^snappy::|^(zstd|lz4|lzo)_?(de)?compress\n"
	/* cryptography */
	"crypto binary "
	"/lib(crypto|ssl|gnutls|gcrypt|nettle|hogweed|sodium|mbed\\w*|nss3|botan)[-.\\d]\n"
	"crypto function ^crypto/|^(aes|AES|sha|SHA|gcm|GCM|chacha|ChaCha|poly1305|ghash)[_\\d]\n"
	"crypto function ^(ring_core|bn_(mul|sqr)|ec_GF|rsaz|x25519|ed25519|EVP_|BN_|SSL_|tls_)\n"
	"crypto function ^crypto_(aead|shash|skcipher|ahash)|^rustls::\n"
	/* serialization */
	"serialization binary "
	"/lib(protobuf\\w*|jansson|yajl|json\\w*|msgpack\\w*|thrift|avro|xml2|yaml)\n"
	"serialization function "
	"^(google::protobuf|rapidjson|nlohmann|simdjson|flatbuffers|Json)::\n"
	"serialization function "
	"^(encoding/|google\\.golang\\.org/protobuf|github\\.com/json-iterator)\n"
	"serialization function ^serde(_json)?::|^com/(fasterxml|google/(gson|protobuf))|^upb_\n"
	"serialization function "
	"^(json|pickle|_?Pickle|msgpack|scanner_|encoder_)_?\\w*(load|dump|call)\n"
	/* the way into the kernel, then the kernel */
	"syscall function ^(entry_SYSCALL|do_syscall|x64_sys_call|syscall_(enter|exit|return))\n"
	"syscall function ^(__(x64|ia32|arm64|do|se)_(compat_)?sys_|el0_svc|invoke_syscall)\n"
	"syscall function ^(syscall|__syscall\\w*|runtime/internal/syscall\\.Syscall\\d)$\n"
	"kernel kind ^kernel$\n";
