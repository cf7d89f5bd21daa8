// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package render turns a DittoServer and what the controller has read about it into the objects wanted in the host cluster.
// In: the DittoServer, the config hash, facts about live objects. Out: apply configurations, equal for equal input.
// It never talks to a cluster, reads a clock, draws a random number or puts the value of a Secret into an object.
//
// The results are compared with what client-go's Extract finds in a live object under our field manager, so that nothing is
// sent while nothing differs. Two rules follow. In atomic lists (claim templates) the defaults of the API server are written
// out, because it stores and returns them with the list; everywhere else only the fields that we mean are set. And what
// would be an empty map or list is left out, because that is how it comes back.
package render
