// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faultproxy

// watching notes a watch that is under way until the returned function is called.
func (p *Proxy) watching(index int, end func()) (over func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watches[index] = end
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watches, index)
	}
}

// DropWatches cuts off the watches under way that match, as the loss of a connection does, and says how many.
func (p *Proxy) DropWatches(match func(Request) bool) (dropped int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for index, end := range p.watches {
		if match == nil || match(p.log[index].Request) {
			end()
			dropped++
		}
	}
	return dropped
}
