#!/bin/bash
# zkServer.sh start-foreground, of the official image.
set -eu
[ "$1" = start-foreground ]
exec java "-Xmx${ZK_SERVER_HEAP:-1000}m" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
	-cp /usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar \
	org.apache.zookeeper.server.quorum.QuorumPeerMain /conf/zoo.cfg
