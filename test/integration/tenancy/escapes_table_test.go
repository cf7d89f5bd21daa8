// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

// escape is what somebody might try, and the tests that have tried it.
type escape struct {
	name, stops string
	tests       []proof
}

// proof is a test, or one of its cases, in a directory; without one, in this.
type proof struct{ dir, test, variant string }

const here = "test/integration/tenancy"

func (p proof) directory() string {
	if p.dir == "" {
		return here
	}
	return p.dir
}

func cases(test string, names ...string) (proofs []proof) { return casesIn("", test, names...) }

func casesIn(dir, test string, names ...string) (proofs []proof) {
	if len(names) == 0 {
		return []proof{{dir, test, ""}}
	}
	for _, name := range names {
		proofs = append(proofs, proof{dir, test, name})
	}
	return proofs
}

const (
	api          = "test/integration/api"
	lifecycle    = "test/integration/lifecycle"
	subresources = "test/integration/subresources"
	proxyPackage = "pkg/registry/proxy"

	secretWays = "TestNoWayLeadsToASecretOfAnotherTenant"
	classWays  = "TestNoWayLeadsToAClassWithoutTheVerbUse"
	limitWays  = "TestNoEditGetsAServerBeyondTheLimitsOfItsClass"
	pathTricks = "TestTricksThroughTheAggregator"
)

// escapes are in docs/tenancy-matrix.md, which is written from them.
func escapes() []escape {
	return []escape{
		{"the Secret of another tenant, by its name", "a name means a Secret of the namespace of the server", cases("TestASecretOfAnotherTenantIsNotMeantByItsName")},
		{"the Secret of another tenant, by NAMESPACE/NAME", "validation of every field that names a Secret", cases(secretWays,
			"by NAMESPACE/NAME as the signing secret", "by NAMESPACE/NAME as a password", "by NAMESPACE/NAME as a database", "by NAMESPACE/NAME as a certificate",
			"by NAMESPACE/NAME for images", "by NAMESPACE/NAME in the environment", "by NAMESPACE/NAME as a volume", "by a namespace beside the name")},
		{"the Secret of another tenant, by a path", "validation: no path in a name, a key, an item, a subPath or `config`; no hostPath", cases(secretWays,
			"by a path in the name", "by a path in the key", "by a path in the items of a volume", "by a subPath that climbs", "by a path in the configuration", "by the directory of the kubelet")},
		{"the database of another tenant", "validation: a cluster of the namespace of the server", cases(secretWays, "by a database cluster of theirs")},
		{"a server in the namespace of another tenant", "RBAC", cases(secretWays, "by a server of one's own in their namespace")},
		{"a Secret of one's own namespace that one may not read", "a review of the requester for every Secret that the spec leads to", casesIn(api, "TestNobodyReadsASecretThroughAServer")},
		{"the rights of a ServiceAccount", "no projected tokens; another account takes the right to create pods", append(cases(secretWays, "by the token of an account"),
			casesIn(api, "TestAnotherServiceAccountTakesTheRightToCreatePods")...)},
		{"the data and Secrets that an earlier server has left", "a review of the requester for the StatefulSet and the Secrets", append(casesIn(api, "TestRecreatingAServerOverWhatIsThereTakesRights"),
			casesIn(api, "TestAllowingAdoptionLaterTakesTheSameRights")...)},
		{"a class without `use`, by create", "a review of the verb `use`", cases(classWays, "by create", "by a dry run of create", "by apply of a new server", "by replace of a server that is not")},
		{"a class by patch", "`spec.className` is immutable", cases(classWays, "by patch", "by JSON patch", "by strategic patch")},
		{"a class by scale", "`scale` carries replicas, and nothing else is taken from it", cases(classWays, "by scale")},
		{"a class by status or finalize", "no right to them in any role; and a spec is not taken from them", append(cases(classWays, "by status", "by finalize"),
			cases("TestTheClassOfAServerNeverChanges", "by status it is ignored")...)},
		{"a class by apply with another manager", "`spec.className` is immutable", cases(classWays, "by apply with another manager")},
		{"a class by update after create", "`spec.className` is immutable, from none too", cases(classWays, "by replace", "by update after create without a class", "by patch after create without a class")},
		{"no class at all, where there is a default one", "a review of the verb `override` on it", cases("TestTheDefaultClassIsForThoseThatNameNone")},
		{"a class with the right of a GitOps controller", "the impersonated user is asked about", cases("TestTheVerbUseIsThatOfWhomThePlatformImpersonates")},
		{"more rights on a class, by a Role of one's own", "RBAC: nobody grants what they have not", cases(classWays, "by a Role with the verb use", "by a Role with the verb override",
			"by a Role with the proxy", "by a Role with the verb administer", "by a binding of the platform's role")},
		{"the class itself", "RBAC; a class in use is not deleted", append(cases(classWays, "by a change of the class", "by a class of one's own", "by making another class the default"),
			cases("TestAClassInUseIsNotDeletedAndCountsItsServers")...)},
		{"limits by a later edit", "limits hold for whatever a request changes: create, patch, replace, apply", append(cases(limitWays, "by a volume that is too large", "by another image",
			"by the type of a Service", "by the type of the Service of the API", "by a port of every node", "by an annotation of a Service", "by privileges", "by another account", "by priority", "by a toleration", "by a reserved field", "by an edit of a reserved field, which stays what it was", "by a class that is not there", "by the limits of the class itself"), cases("TestWhatIsWithinTheLimitsPassesAndTheVerbOverrideGoesBeyond")...)},
		{"limits by `config`", "the class lists keys; keys with fields of their own, paths and passwords are refused to all", cases(limitWays, "by the configuration")},
		{"limits by extra environment or volumes", "the class lists them", cases(limitWays, "by extra environment", "by extra volumes")},
		{"limits by huge quantities", "quantities are compared and summed as such, not as integers", cases(limitWays, "by a quantity beyond all numbers", "by a quantity that a sum would turn round",
			"by volumes that are too large together", "by memory without end")},
		{"limits by negative quantities", "validation", cases(limitWays, "by a negative size", "by a negative size of the second volume", "by no size", "by negative memory")},
		{"limits by many small servers", "servers and storage are counted per namespace, by the class and by quota", cases("TestManySmallServersAreNoMoreThanTheLimitsOfTheirNamespace",
			"by servers of a class", "by the storage of a class", "by a quota of servers", "by a quota of their storage")},
		{"limits by ten creates at once", "compare-and-swap, over all replicas", append(cases("TestOfTenCreatesAtOnceOverTwoReplicasOnlyOnePasses"),
			casesIn(lifecycle, "TestOfTenCreatesAtOnceAQuotaOfOneAdmitsOne")...)},
		{"a larger quota", "RBAC", cases(limitWays, "by a larger quota")},
		{"the proxy to another host", "the address is that of the server's own pod, by its owner; a path is matched with a list", append(casesIn(subresources, pathTricks, "a URL", "another host, forwarded"),
			casesIn(subresources, "TestTheProxyConnectsToThePodWhateverTheServiceSays")...)},
		{"the proxy to link-local", "the same", casesIn(subresources, pathTricks, "a URL", "an address")},
		{"the proxy by path tricks", "dot segments, empty ones, `%`, `;`, `\\` are refused however they are encoded", append(casesIn(subresources, pathTricks, "dots", "dots that are encoded",
			"dots that are encoded twice", "dots that leave the subresource", "an encoded slash within a name", "a slash that is encoded twice", "two slashes", "a backslash"),
			casesIn(proxyPackage, "TestPathTricksReachNobody")...)},
		{"the proxy by an absolute URI", "the host of the request line is not used", casesIn(subresources, "TestAnAbsoluteURILeadsTheProxyNowhereElse")},
		{"the proxy by Host header", "the request to dfs is made anew", casesIn(subresources, pathTricks, "another Host")},
		{"the proxy by a redirect of dfs", "redirects are not followed", casesIn(proxyPackage, "TestAnswersThatAreNotPassedOn")},
		{"an account that stays, by the proxy", "logins, accounts, groups and identity providers are not on the list", casesIn(subresources, pathTricks, "a login", "a new account", "a member of the admins", "an identity provider")},
		{"a token with a longer life", "15 minutes, or what the class allows; refused, not shortened", append(cases("TestATokenIsNeverMoreThanTheClassAllows", "by a longer life"),
			casesIn(subresources, "TestTokensThatNobodyGets", "a longer life", "a life for ever")...)},
		{"a token with a higher role", "the class, the verb `administer` and the JWT Secret; there is no role `user`", append(cases("TestATokenIsNeverMoreThanTheClassAllows", "by a higher role", "by a role of the file server"),
			casesIn(subresources, "TestAnAdminsTokenNeedsMoreThanTheVerbCreate")...)},
		{"a token that was changed", "dfs checks the signature", casesIn(subresources, "TestAnOperatorsToken", "is no good when it is changed or has ended")},
		{"somebody else's name, by headers or impersonation", "headers are believed from the aggregator only, by certificate; impersonation takes the verb", cases("TestTheMatrixOfWhoMayDoWhat")},
	}
}
