// Package apps runs real programs, from Debian's packages, with the manifests of deploy/examples on
// a kind cluster of two nodes: what an example promises is seen, and without netmode's annotations
// it fails as the example says. Make apps builds the images and runs it:
//
//	make apps                             # all of them
//	make apps APPS='ZooKeeper|OpenMPI'    # these
//
// The manifests are applied as they are, but for images, resource requests and the StorageClass; what
// was exchanged is printed. A table at the end says what was seen. Environment: as for package suite.
package apps
