// What the loadable extension exports: SQLite looks for the first name in a file called meantime.so, for the second in
// libmeantime-sqlite.so. See https://sqlite.org/loadext.html.
#ifndef MEANTIME_CSQLITE_EXTENSION_H
#define MEANTIME_CSQLITE_EXTENSION_H

struct sqlite3;
struct sqlite3_api_routines;

int sqlite3_meantime_init(struct sqlite3 *connection, char **message, const struct sqlite3_api_routines *routines);
int sqlite3_meantimesqlite_init(struct sqlite3 *connection, char **message, const struct sqlite3_api_routines *routines);

#endif
