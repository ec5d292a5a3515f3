// A program that loads the extension may carry a SQLite of its own beside the system's library, and a connection of one
// must never meet the functions of the other. So the extension has every function of SQLite that it uses in here, hidden
// from the rest of the program, and each goes through the table that the program hands over.

// Leaves the functions' names alone, which sqlite3ext.h would otherwise make macros.
#define SQLITE_CORE 1

#pragma GCC visibility push(hidden)
#include <sqlite3ext.h>
#pragma GCC visibility pop

#include <stdatomic.h>
#include <stddef.h>
#include "include/CSQLiteExtension.h"

static _Atomic(const sqlite3_api_routines *) sqlite;

// 3.26 brought the last function that is called without asking for the version first.
enum { oldest = 3026000, lists = 3038000 };

// Made in Swift: registers the tables; gives 0, or writes what was wrong and gives another number.
int meantime_register(sqlite3 *connection, char *message, int capacity);

#define TABLE (atomic_load_explicit(&sqlite, memory_order_acquire))
#define FORWARD(type, name, parameters, arguments) \
    __attribute__((visibility("hidden"))) type sqlite3_##name parameters { return TABLE->name arguments; }

FORWARD(void *, aggregate_context, (sqlite3_context *c, int n), (c, n))
FORWARD(int, bind_blob64,
    (sqlite3_stmt *s, int i, const void *p, sqlite3_uint64 n, void (*free)(void *)), (s, i, p, n, free))
FORWARD(int, bind_int64, (sqlite3_stmt *s, int i, sqlite3_int64 v), (s, i, v))
FORWARD(int, bind_text, (sqlite3_stmt *s, int i, const char *p, int n, void (*free)(void *)), (s, i, p, n, free))
FORWARD(int, blob_bytes, (sqlite3_blob *b), (b))
FORWARD(int, blob_close, (sqlite3_blob *b), (b))
FORWARD(int, blob_open,
    (sqlite3 *d, const char *base, const char *table, const char *column, sqlite3_int64 row, int flags,
        sqlite3_blob **b),
    (d, base, table, column, row, flags, b))
FORWARD(int, blob_read, (sqlite3_blob *b, void *p, int n, int at), (b, p, n, at))
FORWARD(int, busy_timeout, (sqlite3 *d, int ms), (d, ms))
FORWARD(int, changes, (sqlite3 *d), (d))
FORWARD(int, close_v2, (sqlite3 *d), (d))
FORWARD(const void *, column_blob, (sqlite3_stmt *s, int i), (s, i))
FORWARD(int, column_bytes, (sqlite3_stmt *s, int i), (s, i))
FORWARD(int, column_count, (sqlite3_stmt *s), (s))
FORWARD(double, column_double, (sqlite3_stmt *s, int i), (s, i))
FORWARD(sqlite3_int64, column_int64, (sqlite3_stmt *s, int i), (s, i))
FORWARD(const char *, column_name, (sqlite3_stmt *s, int i), (s, i))
FORWARD(const unsigned char *, column_text, (sqlite3_stmt *s, int i), (s, i))
FORWARD(int, column_type, (sqlite3_stmt *s, int i), (s, i))
FORWARD(int, create_function_v2,
    (sqlite3 *d, const char *name, int n, int flags, void *p, void (*call)(sqlite3_context *, int, sqlite3_value **),
        void (*step)(sqlite3_context *, int, sqlite3_value **), void (*end)(sqlite3_context *), void (*free)(void *)),
    (d, name, n, flags, p, call, step, end, free))
FORWARD(int, create_module_v2,
    (sqlite3 *d, const char *name, const sqlite3_module *m, void *p, void (*free)(void *)), (d, name, m, p, free))
FORWARD(const char *, db_filename, (sqlite3 *d, const char *name), (d, name))
FORWARD(int, declare_vtab, (sqlite3 *d, const char *sql), (d, sql))
FORWARD(const char *, errmsg, (sqlite3 *d), (d))
FORWARD(int, exec,
    (sqlite3 *d, const char *sql, int (*call)(void *, int, char **, char **), void *p, char **message),
    (d, sql, call, p, message))
FORWARD(int, extended_errcode, (sqlite3 *d), (d))
FORWARD(int, extended_result_codes, (sqlite3 *d, int on), (d, on))
FORWARD(int, finalize, (sqlite3_stmt *s), (s))
FORWARD(void, free, (void *p), (p))
FORWARD(sqlite3_int64, last_insert_rowid, (sqlite3 *d), (d))
FORWARD(int, libversion_number, (void), ())
FORWARD(void *, malloc, (int n), (n))
FORWARD(int, open_v2, (const char *name, sqlite3 **d, int flags, const char *vfs), (name, d, flags, vfs))
FORWARD(int, prepare_v2, (sqlite3 *d, const char *sql, int n, sqlite3_stmt **s, const char **tail),
    (d, sql, n, s, tail))
FORWARD(int, prepare_v3, (sqlite3 *d, const char *sql, int n, unsigned flags, sqlite3_stmt **s, const char **tail),
    (d, sql, n, flags, s, tail))
FORWARD(int, reset, (sqlite3_stmt *s), (s))
FORWARD(void, result_double, (sqlite3_context *c, double v), (c, v))
FORWARD(void, result_error, (sqlite3_context *c, const char *p, int n), (c, p, n))
FORWARD(void, result_error_nomem, (sqlite3_context *c), (c))
FORWARD(void, result_int64, (sqlite3_context *c, sqlite3_int64 v), (c, v))
FORWARD(void, result_text, (sqlite3_context *c, const char *p, int n, void (*free)(void *)), (c, p, n, free))
FORWARD(int, set_authorizer,
    (sqlite3 *d, int (*ask)(void *, int, const char *, const char *, const char *, const char *), void *p),
    (d, ask, p))
FORWARD(int, step, (sqlite3_stmt *s), (s))
FORWARD(int, stmt_readonly, (sqlite3_stmt *s), (s))
FORWARD(void *, user_data, (sqlite3_context *c), (c))
FORWARD(int, value_bytes, (sqlite3_value *v), (v))
FORWARD(double, value_double, (sqlite3_value *v), (v))
FORWARD(sqlite3_int64, value_int64, (sqlite3_value *v), (v))
FORWARD(const unsigned char *, value_text, (sqlite3_value *v), (v))
FORWARD(int, value_type, (sqlite3_value *v), (v))
FORWARD(const char *, vtab_collation, (sqlite3_index_info *i, int n), (i, n))

// An older SQLite's table ends before these; the callers of the lists ask for the version first.
FORWARD(int, vtab_in, (sqlite3_index_info *i, int n, int take), (i, n, take))
FORWARD(int, vtab_in_first, (sqlite3_value *list, sqlite3_value **v), (list, v))
FORWARD(int, vtab_in_next, (sqlite3_value *list, sqlite3_value **v), (list, v))
FORWARD(int, vtab_rhs_value, (sqlite3_index_info *i, int n, sqlite3_value **v), (i, n, v))

__attribute__((visibility("hidden"))) int sqlite3_error_offset(sqlite3 *d) {
    return TABLE->libversion_number() < lists ? -1 : TABLE->error_offset(d);
}

__attribute__((visibility("default"))) int sqlite3_meantime_init(
    sqlite3 *connection, char **message, const sqlite3_api_routines *routines
) {
    if (routines->libversion_number() < oldest) {
        *message = routines->mprintf("meantime needs SQLite 3.26 or newer; this is %s", routines->libversion());
        return SQLITE_ERROR;
    }
    // One table for all of the program: with two copies of SQLite in it, only the first to come can be served.
    const sqlite3_api_routines *none = NULL;
    if (!atomic_compare_exchange_strong(&sqlite, &none, routines) && none != routines) {
        *message = routines->mprintf(
            "another copy of SQLite in this program (version %s) has loaded meantime already; use that one, or another "
            "process", none->libversion());
        return SQLITE_ERROR;
    }
    char reason[512] = "";
    if (meantime_register(connection, reason, sizeof reason) != 0) {
        *message = routines->mprintf("meantime: %s", reason);
        return SQLITE_ERROR;
    }
    // The runtime in this library does not survive being unloaded.
    return SQLITE_OK_LOAD_PERMANENTLY;
}

__attribute__((visibility("default"))) int sqlite3_meantimesqlite_init(
    sqlite3 *connection, char **message, const sqlite3_api_routines *routines
) {
    return sqlite3_meantime_init(connection, message, routines);
}
