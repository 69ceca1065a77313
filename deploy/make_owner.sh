#!/bin/sh
# Print the SQL that makes the role which owns the tables, and its database, for a superuser of PostgreSQL:
#   sh deploy/make_owner.sh FOLDER_OF_SECRETS | psql --no-psqlrc --set ON_ERROR_STOP=1
# Its password comes from the folder, and is in no list of processes.
set -eu
[ $# = 1 ] || { echo "which folder of secrets? sh deploy/make_owner.sh FOLDER" >&2; exit 2; }
password=$(sed "s/'/''/g" "$1/migration_database_password")
cat <<END
create role parcelwire_owner login createrole password '$password';
create database parcelwire owner parcelwire_owner;
END
