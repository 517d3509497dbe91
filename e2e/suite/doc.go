// Package suite holds netmode's end-to-end tests: what real pods resolve, and which address they
// have, on the kind cluster of package cluster. Make e2e builds the image and runs them:
//
//	make e2e                                      # all of it
//	cd e2e && IMAGE=localhost/netmode:e2e go test ./suite -v -parallel 16 -run 'TestEndToEnd/together/headless'
//
// Environment: IMAGE is netmode's image, in the engine's storage. ARTIFACTS is the folder for
// what failed tests leave to look at; without it one is made, and its path is in the test's log.
// NODES, NODE_IMAGE, ENGINE and KEEP=1 are those of make cluster. A cluster that is here is used
// and stays, with netmode in it; one that is made for the run is removed after it, unless KEEP=1.
//
// With one node, tests across nodes check all the rest.
//
// To see that a broken netmode fails here, take one patch away and run the test that is about
// it. For example:
//
//	pkg/mode/hostnetwork.go           no dnsPolicy                   together/hostnetwork/it_resolves_a_Service
//	pkg/mode/headless_service.go      no publishNotReadyAddresses    together/peers_before_they_are_ready
//	pkg/mode/headless.go              no hostname                    together/headless
//	pkg/resolv/prepend.go             the peer domain last           together/statefulset-headless/prepend
//	deploy/kustomize/base             no promises.yaml              together/annotation_of_another_webhook
//	deploy/kustomize/base             failurePolicy: Ignore          alone/netmode_gone
package suite
