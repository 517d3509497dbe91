#!/bin/bash
# What the entrypoints of the official images zookeeper, postgres and mariadb do, as far as
# deploy/examples asks for it: by the first argument.
set -eu

# The official image's conf folder is /conf, and /data and /datalog are what the server keeps.
zookeeper() {
	if [ ! -s /conf/zoo.cfg ]; then
		{
			echo "dataDir=/data"
			echo "dataLogDir=/datalog"
			echo "tickTime=${ZOO_TICK_TIME:-2000}"
			echo "initLimit=${ZOO_INIT_LIMIT:-5}"
			echo "syncLimit=${ZOO_SYNC_LIMIT:-2}"
			echo "autopurge.purgeInterval=${ZOO_AUTOPURGE_PURGEINTERVAL:-0}"
			echo "standaloneEnabled=${ZOO_STANDALONE_ENABLED:-true}"
			echo "admin.enableServer=${ZOO_ADMINSERVER_ENABLED:-true}"
			echo "4lw.commands.whitelist=${ZOO_4LW_COMMANDS_WHITELIST:-srvr}"
			for server in ${ZOO_SERVERS:-server.1=localhost:2888:3888;2181}; do
				echo "$server"
			done
		} >/conf/zoo.cfg
	fi
	[ -s /data/myid ] || echo "${ZOO_MY_ID:-1}" >/data/myid
	exec "$@"
}

postgres() {
	export PGDATA=${PGDATA:-/var/lib/postgresql/data}
	if [ ! -s "$PGDATA/PG_VERSION" ]; then
		: "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"
		local user=${POSTGRES_USER:-postgres}
		mkdir -p "$PGDATA"
		chmod 700 "$PGDATA"
		initdb --username="$user" --pwfile=<(echo "$POSTGRES_PASSWORD") --auth-local=trust --auth-host=scram-sha-256
		echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
		echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
		# A server that nobody else reaches makes the database.
		pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
		[ "${POSTGRES_DB:-$user}" = postgres ] || createdb --username="$user" --maintenance-db=postgres "${POSTGRES_DB:-$user}"
		pg_ctl -D "$PGDATA" -m fast -w stop
	fi
	exec "$@"
}

mariadbd() {
	if [ ! -d /var/lib/mysql/mysql ]; then
		: "${MARIADB_ROOT_PASSWORD:?set MARIADB_ROOT_PASSWORD}"
		mariadb-install-db --datadir=/var/lib/mysql --skip-test-db --auth-root-authentication-method=normal >/dev/null
		command "$@" --wsrep-on=OFF --skip-networking --bootstrap <<-END
			FLUSH PRIVILEGES;
			ALTER USER root@localhost IDENTIFIED BY '$MARIADB_ROOT_PASSWORD';
			CREATE USER root@'%' IDENTIFIED BY '$MARIADB_ROOT_PASSWORD';
			GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
		END
	fi
	exec "$@"
}

[ "${1:0:1}" != - ] || set -- postgres "$@"
case $1 in
zkServer.sh) zookeeper "$@" ;;
postgres | mariadbd) "$1" "$@" ;;
*) exec "$@" ;;
esac
